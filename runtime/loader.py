"""Emitted source to a native program. The only file that imports Numba, and only when it first compiles.

`Loader(vocabulary).load(source, name, signature)` compiles one function with Numba under an explicit
signature. The scalar functions are handed in as builders of LLVM IR and become Numba intrinsics here.
"""

from __future__ import annotations

import ast
import hashlib
import linecache
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from tapejit.ir.signature import Signature
from tapejit.ir.types import NUMPY_NAME, TensorType
from tapejit.runtime.fourier import Fourier
from tapejit.runtime.gemm import BlasThreads, gemm
from tapejit.runtime.linear_algebra import LinearAlgebra
from tapejit.runtime.machine_code import MachineCode, machine_code
from tapejit.runtime.part import Part
from tapejit.runtime.pipeline import jitted, named
from tapejit.runtime.shared_code import Definitions, SharedCode
from tapejit.runtime.signals import check_signals
from tapejit.runtime.store import Store
from tapejit.runtime.threads import Threads, threads_from_environment
from tapejit.runtime.variable import loads
from tapejit.runtime.workspace import Workspace, borrow, give_back, row_of


class ScalarFunction(Protocol):
    """A function of the emitted source: how many operands, which one's type it has, how it is built."""

    @property
    def arity(self) -> int: ...

    @property
    def result_like(self) -> int | None: ...

    @property
    def literal(self) -> int | None: ...

    @property
    def takes_parts(self) -> bool: ...

    def build(self, builder: Any, *arguments: Any) -> Any: ...


class Functions(Protocol):
    """Functions of the emitted source by their names."""

    def __iter__(self) -> Iterator[str]: ...

    def __getitem__(self, name: str, /) -> ScalarFunction: ...


class Vocabulary(Functions, Definitions, Protocol):
    """All of them, those that a long source should call, as calls, and matrix products."""

    def product(self, module: Any, dtype: str, part: str = "", /) -> Any: ...

    def calls_in(self, source: str) -> Mapping[str, ScalarFunction]: ...


@dataclass(frozen=True, eq=False)
class NativeProgram:
    """A compiled function. `call` does not look at its arguments: they must be as the signature says.

    Arrays passed for results must not overlap other arguments: the code assumes it.
    """

    call: Callable[..., None]
    dispatcher: Callable[[], Any]
    source: str
    filename: str
    address: int  # of its machine code, which takes arguments as Numba passes them
    head: tuple[int, ...] = ()  # arguments before all others that `call` adds and `address` expects
    memory: Any = None  # what they point at
    restored: bool = False  # compiled by another process

    @cached_property
    def checked(self) -> Any:
        """Numba's dispatcher: the same function with its arguments type-checked."""
        return self.dispatcher()

    def llvm(self) -> str:
        """The LLVM IR after optimisation."""
        return str(next(iter(self.checked.inspect_llvm().values())))

    def asm(self) -> str:
        """The machine code."""
        return str(next(iter(self.checked.inspect_asm().values())))


class Loader:
    """Compiles programs, one at a time: Numba's compiler is not thread-safe."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        threads: Threads | None = None,
        workspace: Workspace | None = None,
        store: Store | None = None,
    ):
        self.vocabulary = vocabulary
        self._workspace = workspace or Workspace()
        self._threads = threads or Threads(threads_from_environment())
        self._algebra, self._fourier = LinearAlgebra(_declared, store), Fourier()
        self._shared = SharedCode(vocabulary, store)
        self._store = store
        self.lock = threading.Lock()

    def load(self, source: str, name: str, signature: Signature, general: bool = False) -> NativeProgram:
        """The function `name` of `source`, restored or compiled; a general one takes an address first."""
        with self.lock:
            self._prepare(source)
            if self._store is None:
                return _program(self._compiled(source, name, signature, general), source, name)
            key = self._store.key(source, signature, general)
            loaded = self._loaded(self._store.get(key))
            if loaded is None:
                dispatcher = self._compiled(source, name, signature, general)
                self._store.put(key, machine_code(_result(dispatcher), _mark(source)), source)
                return _program(dispatcher, source, name)

        def compiled() -> Any:
            with self.lock:
                return self._compiled(source, name, signature, general)

        call, address = loaded
        return NativeProgram(call, compiled, source, _file(source, name), address, restored=True)

    def _loaded(self, stored: MachineCode | None) -> tuple[Callable[..., None], int] | None:
        """What another process compiled, if this one has all that it needs."""
        if stored is None:
            return None
        self._shared.provide(stored.names.needed)
        return stored.load()

    def _prepare(self, source: str) -> None:
        """Have the symbols known that a program of this source names."""
        self._routines(source)
        if "gemm(" in source:
            BlasThreads.found()
        if "matmul(" in source:
            self._threads.prepare()
        if "borrow(" in source:
            self._workspace.prepare()
        if "parallel(" in source:
            self._threads.prepare()

    def _compiled(self, source: str, name: str, signature: Signature, general: bool) -> Any:
        """The compiled function, with a file for debuggers."""
        filename = _file(source, name)
        linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
        namespace = self._namespace(source)
        for tree in ast.parse(source).body:
            assert isinstance(tree, ast.FunctionDef)
            if tree.name == name or _is_block(tree):
                function = named(tree, namespace, _mark(source), filename)
                namespace[tree.name] = function if tree.name == name else jitted()(function)
            else:
                namespace[tree.name] = Part(tree, namespace, repeats=True)
        return _compile(namespace[name], signature, general)

    def load_general(self, source: str, name: str, signature: Signature) -> NativeProgram | None:
        """The same for a general source; None if a number has become a variable that Numba must know."""
        from numba.core.errors import NumbaError

        try:
            return self.load(source, name, signature, general=True)
        except NumbaError:
            return None

    def _namespace(self, source: str) -> dict[str, Any]:
        calls = self.vocabulary.calls_in(source).items()
        used = {name: function for name, function in calls if f"{name}(" in source}
        return {**self.names, **self._routines(source), **self._functions(used)}

    def _routines(self, source: str) -> dict[str, Any]:
        return self._algebra.names(source) | self._fourier.names(source)

    @cached_property
    def names(self) -> dict[str, Any]:
        """The namespace in which emitted source runs."""
        from tapejit.runtime.launch import parallel  # llvmlite: not at import time
        from tapejit.runtime.matrix_product import matmul, matmul_pack, matmul_packed

        intrinsics = {
            "flat": _flat(),
            "gemm": gemm(),
            "matmul": matmul(self.vocabulary, self._shared),
            "matmul_pack": matmul_pack(self.vocabulary, self._shared),
            "matmul_packed": matmul_packed(self.vocabulary, self._shared),
            "check_signals": check_signals(),
            "parallel": parallel(),
            "borrow": borrow(),
            "give_back": give_back(),
            "row_of": row_of(),
        }
        return {**_constants(), **self._functions(self.vocabulary), **intrinsics, **loads()}

    def _functions(self, functions: Functions) -> dict[str, Any]:
        return {name: _intrinsic(name, functions[name], self._shared) for name in functions}


def _constants() -> dict[str, Any]:
    import numpy as np

    types = {dtype: _scalar_type(dtype) for dtype in NUMPY_NAME}
    return {**types, "inf": np.inf, "nan": np.nan, "empty": np.empty, "LinAlgError": np.linalg.LinAlgError}


def _compile(function: Any, signature: Signature, general: bool) -> Any:
    import numba

    types = (
        *((numba.intp,) if general else ()),
        *(_numba_type(t, plain) for t, plain in zip(signature.params, signature.by_value, strict=True)),
        *(_numba_type(t, False) for t in signature.results),
    )
    return jitted(numba.void(*types))(function)


def _program(dispatcher: Any, source: str, name: str) -> NativeProgram:
    """What was just compiled."""
    compiled = _result(dispatcher)
    address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
    return NativeProgram(compiled.entry_point, lambda: dispatcher, source, _file(source, name), address)


def _result(dispatcher: Any) -> Any:
    """What Numba made, for the only types it was asked to compile for."""
    (compiled,) = dispatcher.overloads.values()
    return compiled


def _mark(source: str) -> str:
    """What tells the symbols of one source from those of others."""
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def _file(source: str, name: str) -> str:
    """What a traceback calls the file."""
    return f"<tapejit {name} {_mark(source)[:12]}>"


def _is_block(tree: ast.FunctionDef) -> bool:
    """Whether it is the function of a block of a nest, which is launched, not called."""
    return any(parameter.arg == "block" for parameter in tree.args.args[:1])


def _numba_type(tensor: TensorType, plain: bool) -> Any:
    import numba

    scalar = _scalar_type(tensor.dtype)
    return scalar if plain else numba.types.Array(scalar, tensor.rank, "C")


def _scalar_type(dtype: str) -> Any:
    import numba

    return numba.boolean if dtype == "bool" else getattr(numba, NUMPY_NAME[dtype])


def _intrinsic(name: str, function: ScalarFunction, shared: SharedCode) -> Any:
    """A Numba intrinsic around one function of the vocabulary."""
    from numba import types

    def typed(context: Any, *operands: Any) -> Any:
        kinds = tuple(t if k == function.literal else types.unliteral(t) for k, t in enumerate(operands))
        result = types.boolean if function.result_like is None else kinds[function.result_like]
        result = result.underlying_float if function.takes_parts else result

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            values = [
                t.literal_value if k == function.literal else v
                for k, (t, v) in enumerate(zip(signature.args, arguments, strict=True))
            ]
            value = function.build(builder, *values)
            shared.provide_for(builder.module)
            return value

        return result(*kinds), generate

    return _declared(name, function.arity, typed)


def _declared(name: str, arity: int, typed: Any) -> Any:
    """A Numba intrinsic of so many arguments, whose calls `typed` types and lowers."""
    from numba.extending import intrinsic

    names = ", ".join(f"x{k}" for k in range(arity))
    namespace = {"typed": typed}
    exec(f"def {name}(context, {names}):\n    return typed(context, {names})\n", namespace)
    return intrinsic(prefer_literal=True)(namespace[name])


def _flat() -> Any:
    """`flat(x)`: a C-contiguous array as one row of elements, without a copy."""
    from numba import types
    from numba.core import cgutils
    from numba.core.imputils import impl_ret_borrowed
    from numba.extending import intrinsic

    def flat(context: Any, x: Any) -> Any:
        row = types.Array(x.dtype, 1, "C", readonly=not x.mutable)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            source = context.make_array(x)(context, builder, arguments[0])
            view = context.make_array(row)(context, builder)
            for field in ("data", "nitems", "itemsize", "meminfo", "parent"):
                setattr(view, field, getattr(source, field))
            view.shape = cgutils.pack_array(builder, [source.nitems])
            view.strides = cgutils.pack_array(builder, [source.itemsize])
            return impl_ret_borrowed(context, builder, row, view._getvalue())

        return row(x), generate

    return intrinsic(flat)
