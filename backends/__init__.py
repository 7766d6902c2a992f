"""The backends that ship with Hotplug.  Each is a plugin like any other; nothing outside imports one by name."""
