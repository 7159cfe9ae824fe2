"""A function ready to run: in the interpreter at first, natively once that pays.

An `Executable` owns the choice of tier. It is handed how to compile (`build`), so that this package
knows nothing of code generation.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from tapejit.ir.function import Function
from tapejit.ir.interpreter import interpret
from tapejit.ir.signature import Signature
from tapejit.runtime.cache import ProgramCache, cache_key
from tapejit.runtime.entry import entry_of, pays
from tapejit.runtime.entry_plan import EntryPlan, plan_of_all
from tapejit.runtime.family import Built
from tapejit.runtime.result_memory import is_large, new_result

if TYPE_CHECKING:
    from tapejit.runtime.loader import NativeProgram

Tier = Literal["interpret", "compile", "auto"]


ENTRY_AFTER = 12  # computations, that an entry is worth its milliseconds of compiling
_MISSED = object()


class Programs(Protocol):
    """Where native programs come from."""

    def build(self, function: Function, signature: Signature) -> Built:
        """A program of `function`, compiled if need be."""

    def find(self, function: Function, signature: Signature) -> NativeProgram | None:
        """One that needs no compiling, if there is such."""


class Executable:
    """Runs `function` on arguments and writes its results into arrays given for them.

    Tier "interpret" never compiles, "compile" does at the first run; "auto" interprets the first run and
    compiles at the second, or at once if there is a program. The arrays given for results must be
    C-contiguous, of exactly the result types, and overlap nothing else; for a result with a home that is the
    argument itself (`results_for`), which must overlap nothing else either.
    """

    def __init__(
        self,
        function: Function,
        signature: Signature,
        programs: Programs,
        cache: ProgramCache,
        tier: Tier = "auto",
    ):
        self.function, self.signature, self.tier = function, signature, tier
        self.native: NativeProgram | None = None
        self.run: Callable[[Sequence[Any], Sequence[np.ndarray]], None] = self._decide
        # The results for arguments, in new arrays; for signatures that add to no result.
        self.compute: Callable[[Sequence[Any]], list[np.ndarray]] = self._compute
        self._kinds = [(t.shape, t.numpy_dtype) for t in signature.results]
        self._makers: list[Callable[..., np.ndarray]] = [np.empty] * len(self._kinds)
        self.short: Callable[..., Any] | None = None  # for `compute`; not a list if it does not take them
        self._programs, self._cache = programs, cache
        self._runs = self._computed = 0
        self._tallies: list[ctypes.c_int64] = []

    def compile(self) -> NativeProgram:
        """The native program, compiled now if it has not been."""
        return self.native or self._built().program

    def entry(self, plan: EntryPlan) -> Callable[..., Any] | None:
        """A builtin function that answers calls as `plan` says, if the program is native and small."""
        if self.native is None or not pays(self.signature):
            return None
        tally = self._cache.tally()
        self._tallies.append(tally)
        return entry_of(plan, self.signature, self.native, tally)

    @property
    def takes_sizes(self) -> bool:
        """Whether its native program serves for other sizes as well."""
        return self.native is not None and bool(self.native.head)

    @property
    def entry_runs(self) -> int:
        """How often its entries answered."""
        return sum(tally.value for tally in self._tallies)

    def _compute(self, args: Sequence[Any]) -> list[np.ndarray]:
        outs = self.results_for(args)
        self.run(args, outs)
        self._computed += 1
        if self._computed == ENTRY_AFTER:
            self._shorten()
        return outs

    def _shorten(self) -> None:
        """Have a builtin compute from now on; what that does not take goes the long way."""
        plan = plan_of_all(self.signature, _MISSED)
        entry = None if plan is None else self.entry(plan)
        if entry is not None:
            self.short, self.compute = entry, _shortened(entry, self._compute)

    def results_for(self, args: Sequence[Any]) -> list[np.ndarray]:
        """Arrays for the results of a call: new ones, and the arguments in which results are left."""
        if not self.signature.homes:
            return self.new_results()
        return self.new_results([None if home is None else args[home] for home in self.signature.homes])

    def new_results(self, places: Sequence[np.ndarray | None] = ()) -> list[np.ndarray]:
        """Arrays for the results; where one is given, that."""
        kinds = zip(self._makers, self._kinds, strict=True)
        if not places:
            return [make(shape, dtype) for make, (shape, dtype) in kinds]
        return [
            make(shape, dtype) if place is None else place
            for (make, (shape, dtype)), place in zip(kinds, places, strict=True)
        ]

    def interpret(self, args: Sequence[Any], outs: Sequence[np.ndarray]) -> None:
        """Run in the reference interpreter."""
        self._cache.interpreted += 1
        found = interpret(self.function, *args)
        if self.signature.homes:
            found = tuple(np.array(x) for x in found)  # some may be arguments, which change now
        for slot, (out, result) in enumerate(zip(outs, found, strict=True)):
            if self._is_due(slot, found):
                np.add(out, result, out=out) if self.signature.accumulate[slot] else np.copyto(out, result)

    def _is_due(self, slot: int, found: Sequence[np.ndarray]) -> bool:
        """Whether a result is to be written: if a guard does not hold, only what tells about that."""
        guards = self.signature.guards
        return not guards or slot in guards or bool(found[guards[0]])

    def _decide(self, args: Sequence[Any], outs: Sequence[np.ndarray]) -> None:
        self._runs += 1
        if self.tier == "compile" or (self.tier == "auto" and self._worth_compiling()):
            built = Built(self.native, False) if self.native else self._built()
            self._cache.hits += not built.compiled
            try:
                built.program.call(*args, *outs)
            except np.linalg.LinAlgError as error:
                self._refuse(error, args, outs)
        else:
            self.interpret(args, outs)

    def _refuse(self, error: Exception, args: Sequence[Any], outs: Sequence[np.ndarray]) -> None:
        """What NumPy says of a matrix that native code refused: its error, which names the user's line.

        On the border of what can be factored, where rounding decides, it may be a result after all.
        """
        if any(self.signature.accumulate):  # added to already, perhaps
            interpret(self.function, *args)
            raise error
        self.interpret(args, outs)

    def _worth_compiling(self) -> bool:
        if self._runs > 1 or cache_key(self.function, self.signature) in self._cache:
            return True
        found = self._programs.find(self.function, self.signature)
        if found is not None:
            self._use(found)
        return found is not None

    def _built(self) -> Built:
        key = cache_key(self.function, self.signature)
        built = self._cache.get_or_build(key, lambda: self._programs.build(self.function, self.signature))
        self._use(built.program)
        return built

    def _use(self, program: NativeProgram) -> None:
        self.native, self.run = program, _caller(program, self._cache, self._refuse)
        self._makers = [new_result if is_large(*kind) else np.empty for kind in self._kinds]


def _shortened(
    entry: Callable[..., Any], otherwise: Callable[[Sequence[Any]], list[np.ndarray]]
) -> Callable[[Sequence[Any]], list[np.ndarray]]:
    def compute(args: Sequence[Any]) -> list[np.ndarray]:
        found = entry(*args)
        return otherwise(args) if found is _MISSED else found

    return compute


def _caller(
    program: NativeProgram, cache: ProgramCache, refuse: Callable[..., None]
) -> Callable[[Sequence[Any], Sequence[np.ndarray]], None]:
    call = program.call

    def run(args: Sequence[Any], outs: Sequence[np.ndarray]) -> None:
        cache.hits += 1
        try:
            call(*args, *outs)
        except np.linalg.LinAlgError as error:
            refuse(error, args, outs)

    return run
