"""``hotplug.func``: derivatives as functions of functions, under the names of ``torch.func``.

>>> import hotplug as hp
>>> hp.func.grad(lambda x: (x**3).sum())(hp.tensor([1.0, 2.0]))
tensor([ 3., 12.])
>>> hp.func.hessian(lambda x: (x**3).sum())(hp.tensor([1.0, 2.0]))
tensor([[ 6.,  0.],
        [ 0., 12.]])
"""

from hotplug.func.jacobians import hessian as hessian, jacfwd as jacfwd, jacrev as jacrev
from hotplug.func.mapping import vmap as vmap
from hotplug.func.modules import functional_call as functional_call, stack_module_state as stack_module_state
from hotplug.func.transforms import (
    grad as grad,
    grad_and_value as grad_and_value,
    jvp as jvp,
    linearize as linearize,
    vjp as vjp,
)

__all__ = [
    "functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize",
    "stack_module_state", "vjp", "vmap",
]  # fmt: skip
