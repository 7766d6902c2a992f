"""The device ``cuda-emulated``: the CUDA C of the backend, compiled as C++ and run by the processor, thread by thread."""
