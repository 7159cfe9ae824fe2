"""How a general program loads its variables: the sizes and numbers that it was bound to."""

from __future__ import annotations

from typing import Any

from tapejit.runtime.template import MOST


def loads() -> dict[str, Any]:
    """`size_at(address, k)` and `number_at(address, k)`: the k-th of the words there, an int or a float."""
    import llvmlite.ir as ll
    from numba import types
    from numba.extending import intrinsic

    def load(kind: Any, result: Any, bounded: bool) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            address, k = arguments
            word = builder.load(builder.gep(builder.inttoptr(address, kind.as_pointer()), [k]))
            return builder.and_(word, kind(MOST)) if bounded else word

        def typed(context: Any, address: Any, k: Any) -> Any:
            return result(types.intp, types.intp), generate

        return intrinsic(typed)

    return {
        "size_at": load(ll.IntType(64), types.intp, True),
        "number_at": load(ll.DoubleType(), types.float64, False),
    }
