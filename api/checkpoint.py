"""`checkpoint`: compute again in the backward pass instead of storing."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

import optree

from tapejit import checkpoint_policies
from tapejit.argnums import described
from tapejit.capture import transform
from tapejit.engine import TRIE
from tapejit.function_object import FunctionObject
from tapejit.ir.function import Instr
from tapejit.ir.transforms.custom import with_recomputation
from tapejit.line import trace_line
from tapejit.tracer.handle import Handle
from tapejit.tracer.rule import differentiated
from tapejit.tracer.state import STATE
from tapejit.transformed import check_function
from tapejit.variables import inner_tape

Policy = Callable[..., bool]


@transform
def checkpoint(
    function: Callable[..., Any] | None = None,
    policy: Policy | None = None,
) -> Any:
    """The function, of which a derivative stores the arguments and computes the rest again.

    For a chain of n steps cut into checkpointed stretches of √n steps, about 2 √n values are alive at a time
    instead of n, for one more evaluation. `policy(primitive, *types, **attributes)` says of each operation in
    it whether its result is stored after all: `tj.checkpoint_policies` has `nothing_saveable` (the default),
    `everything_saveable` and `dots_saveable`; `primitive` is the name of a row of docs/ir.md. Values and
    derivatives do not change. Raises TypeError for what is no function.

    >>> import numpy as np, tapejit as tj
    >>> block = tj.checkpoint(lambda x: np.sin(np.sin(np.sin(x))))
    >>> float(tj.grad(lambda x: np.sum(block(block(x))))(np.zeros(1))[0])
    1.0
    """
    if function is None:
        return functools.partial(checkpoint, policy=policy)
    return Checkpointed(function, policy or checkpoint_policies.nothing_saveable)


class Checkpointed(FunctionObject):
    """See `checkpoint`."""

    def __init__(self, function: Callable[..., Any], policy: Policy):
        self._function, self._policy = check_function(function), check_function(policy)
        functools.update_wrapper(self, function, updated=())
        self._where = f"checkpoint of {described(function)}"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    @property
    def __traced__(self) -> Callable[..., Any]:
        return self._function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        tree: Any = (args, kwargs)
        leaves, structure = optree.tree_flatten(tree)
        given = [x for x in leaves if isinstance(x, Handle) and x.type.is_inexact]
        if STATE.tape is None or not any(map(differentiated, given)):
            return self._function(*args, **kwargs)
        tape = inner_tape(TRIE, self._where)
        variables = [tape.variable(x, None) for x in given]
        own = {id(x): v for x, v in zip(given, variables, strict=True)}
        inside: Any = optree.tree_unflatten(structure, [own.get(id(x), x) for x in leaves])

        def call() -> Any:
            return self._function(*inside[0], **inside[1])

        line = trace_line(tape, self._where, variables, given, call, False)
        found = line.apply(("checkpoint", self._policy), lambda f: with_recomputation(f, self._is_saved))
        return line.value(iter(found))

    def _is_saved(self, instr: Instr) -> bool:
        types = [v.type for v in instr.operands]
        return bool(self._policy(instr.primitive.name, *types, **instr.attrs))
