"""The smallest device of Hotplug, for people to read: ``device="minimal"``."""
