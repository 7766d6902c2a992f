"""The device ``opencl``: whatever an OpenCL driver offers: GPUs of AMD, Intel and others, and processors by PoCL."""
