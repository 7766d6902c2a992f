"""The device ``cpu``: always there, a NumPy tier in the base install, compiled kernels with the extra ``cpu``."""
