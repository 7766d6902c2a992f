"""``python -m hotplug.conformance.strength``."""

from __future__ import annotations

import sys

from hotplug.conformance.strength.command import main

if __name__ == "__main__":
    sys.exit(main())
