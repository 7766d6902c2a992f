"""Decorators: backends around another one, named by a prefix of the device string, as in ``"profile+cpu"``."""
