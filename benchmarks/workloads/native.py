"""The tools of the hand-written kernels, the "limit" that tapejit is measured against.

`kernel` is Numba with NumPy's semantics of division and nothing that gives up NaN. The elementwise
functions are tapejit's own vector math (docs/vector-math.md), since Numba's are scalar calls of libm:
so the distance to a limit is one of loops, memory and calls. `plus(total, x)` is a sum whose order LLVM
may choose, `maximum` NumPy's; both vectorise in reductions.

Kernels get their outputs as arguments: a NumPy allocation outside costs less than Numba's inside.
"""

from __future__ import annotations

from functools import partial

from numba import njit

from tapejit.codegen.vocabulary import VOCABULARY
from tapejit.runtime.loader import Loader

FUNCTIONS = Loader(VOCABULARY).names

cos = FUNCTIONS["cos"]
erf = FUNCTIONS["erf"]
exp = FUNCTIONS["exp"]
log = FUNCTIONS["log"]
log1p = FUNCTIONS["log1p"]
maximum = FUNCTIONS["maximum"]
plus = FUNCTIONS["plus"]
rsqrt = FUNCTIONS["rsqrt"]
sin = FUNCTIONS["sin"]

kernel = partial(njit, nogil=True, error_model="numpy", fastmath={"contract"})
