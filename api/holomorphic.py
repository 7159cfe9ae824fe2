"""Which derivatives exist where complex numbers are about, and what to say where they do not.

The gradient of a real function of z = x + iy is df/dx - i df/dy. A complex function has two such gradients,
of its real and of its imaginary part, unless it is holomorphic: then one number says it all, and the caller
has to say that it is.
"""

from __future__ import annotations

from collections.abc import Iterable

from tapejit.ir.types import TensorType
from tapejit.tracer.errors import DtypeError


def check_value(where: str, value: TensorType, variables: Iterable[TensorType], holomorphic: bool) -> None:
    """The value of a function that is to have a gradient is real; of a holomorphic one all is complex."""
    if holomorphic:
        check_holomorphic(where, [*variables, value])
    elif value.is_complex:
        raise DtypeError(
            f"{where} returned {value}; a complex value has no single gradient: return a real number, such "
            "as its .real or np.abs(...) ** 2, or say holomorphic=True if the function is complex "
            "differentiable"
        )
    elif not value.is_float:
        raise DtypeError(f"{where} returned {value.numpy_dtype}; a gradient needs a float result")


def check_holomorphic(where: str, types: Iterable[TensorType]) -> None:
    """Arguments and values of a function that is said to be holomorphic are complex."""
    for type_ in types:
        if not type_.is_complex:
            raise DtypeError(
                f"{where}: holomorphic=True, but there is {type_} among the arguments and values; convert "
                "it: .astype('complex128'), or leave holomorphic=True out"
            )


def check_jacobian(
    where: str,
    kind: str,
    variables: Iterable[TensorType],
    values: Iterable[TensorType],
    holomorphic: bool,
) -> None:
    """Forward mode needs real arguments, reverse mode real values, second derivatives both."""
    variables, values = list(variables), list(values)
    if holomorphic:
        return check_holomorphic(where, [*variables, *values])
    inside, outside = (next((t for t in types if t.is_complex), None) for types in (variables, values))
    refused = {
        "jacfwd": inside
        and f"the argument {inside}; use jacrev, which takes complex arguments of real values",
        "jacrev": outside
        and f"the value {outside}; use jacfwd, which takes complex values of real arguments",
        "hessian": (inside or outside) and f"{inside or outside}; split it into its real and imaginary parts",
    }
    reason = refused.get(kind, inside and outside and f"the argument {inside} and the value {outside}")
    if reason:
        raise DtypeError(
            f"{where} is not defined for {reason}, or say holomorphic=True if the function is complex "
            "differentiable"
        )
    return None
