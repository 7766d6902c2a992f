from hotplug.backends.numpy import families
from hotplug.backends.numpy.memory import HostBackend
class CpuBackend(HostBackend):
    name="cpu"
    def resolve(self, index, key): return families.kernel(key)
