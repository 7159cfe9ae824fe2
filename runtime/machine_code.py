"""A compiled function as bytes, and back in another process, without the compiler.

Numba's library keeps the object file that LLVM made. To serve elsewhere its symbols must be unique, for all
object files of a process share one table: programs carry the digest of their source in their names, and what
else they define is hidden. One that holds addresses of this process stays here. Start with `machine_code`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from tapejit.runtime import builtin

_SHARED = frozenset(("NRT_incref", "NRT_decref"))  # the same in all libraries
_LOCAL = ("internal", "private")
_ENVIRONMENT = "_ZN08NumbaEnv"


@dataclass(frozen=True)
class _Names:
    """The symbols of a library by which a function is found."""

    library: str
    function: str
    wrapper: str
    environments: list[str]  # its own, then those of the functions it is made of
    needed: list[str]  # by it, of the process


@dataclass(frozen=True)
class MachineCode:
    """What a process needs to run a function that another one compiled."""

    names: _Names
    object: bytes
    bitcode: bytes

    def packed(self) -> bytes:
        """As bytes."""
        head = {**asdict(self.names), "size": len(self.object)}
        return b"\n".join((json.dumps(head).encode(), self.object + self.bitcode))

    @classmethod
    def unpacked(cls, content: bytes) -> MachineCode:
        """From `packed`."""
        line, _, rest = content.partition(b"\n")
        head = json.loads(line)
        size = head.pop("size")
        return cls(_Names(**head), rest[:size], rest[size:])

    def load(self) -> tuple[Any, int] | None:
        """The function for Python, if it has an entry, and its address; None if a symbol is missing."""
        from tapejit.runtime.object_code import known, linked  # llvmlite: not at import time

        names = self.names
        if not (known(names.needed) or _known_to_numba(names.needed)):
            return None
        if names.environments:
            return self._loaded_by_numba()
        wrapper, address = linked(self.object, names.wrapper, names.function)
        return builtin.made(names.library, wrapper, None) if wrapper else None, address

    def _loaded_by_numba(self) -> tuple[Any, int]:
        """The same for what has an entry of Numba's."""
        from numba import _dynfunc
        from numba.core.environment import Environment
        from numba.core.registry import cpu_target

        codegen, names = cpu_target.target_context.codegen(), self.names
        library = codegen.unserialize_library((names.library, "object", (self.object, self.bitcode)))
        wrapper = library.get_pointer_to_function(names.wrapper)
        environments = [Environment({}) for _ in names.environments]
        for name, environment in zip(names.environments, environments, strict=True):
            codegen.set_env(name, environment)
        call = _dynfunc.make_function(
            _dynfunc, names.library, "", wrapper, environments[0], (library, environments)
        )
        return call, library.get_pointer_to_function(names.function)


def _known_to_numba(symbols: list[str]) -> bool:
    """Whether all are known once Numba has added its own."""
    from numba.core.registry import cpu_target
    from numba.core.runtime import rtsys

    from tapejit.runtime.object_code import known  # llvmlite: not at import time

    rtsys.initialize(cpu_target.target_context)  # the functions that allocate
    cpu_target.target_context.codegen()
    return known(symbols)


def machine_code(compiled: Any, mark: str) -> MachineCode | None:
    """That of one of Numba's `CompileResult`s, whose own symbols hold `mark`; None if it serves here only."""
    library, described = compiled.library, compiled.fndesc
    environments = _environments(library)  # not the program's own, if the builtin is ours
    if library.has_dynamic_globals or _constants(environments):
        return None
    inner = [name for name in environments if mark in name and name != described.env_name]
    names = _Names(
        library.name,
        described.llvm_func_name,
        described.llvm_cpython_wrapper_name,
        [described.env_name, *inner] if described.env_name in environments else [],
        _needed(library._final_module),
    )
    _, _, (object_code, bitcode) = library.serialize_using_object_code()
    hidden = _hidden(library._final_module, mark)
    return MachineCode(names, library.codegen._tm.emit_object(hidden) if hidden else object_code, bitcode)


def _needed(module: Any) -> list[str]:
    """What it calls outside."""
    return [f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")]


def _hidden(module: Any, mark: str) -> Any:
    """A copy of the module in which functions not named after its source are internal; None if all are."""
    foreign = [f.name for f in module.functions if not (f.is_declaration or _is_own(f, mark))]
    if not foreign:
        return None
    import llvmlite.binding

    copy = llvmlite.binding.parse_bitcode(module.as_bitcode())
    for name in foreign:
        copy.get_function(name).linkage = "internal"
    return copy


def _is_own(function: Any, mark: str) -> bool:
    return mark in function.name or function.name in _SHARED or function.linkage.name in _LOCAL


def _environments(library: Any) -> list[str]:
    """The environments of the function and of those inside it."""
    return [v.name for v in library._final_module.global_variables if v.name.startswith(_ENVIRONMENT)]


def _constants(environments: list[str]) -> bool:
    """Whether an environment holds Python objects."""
    from numba.core.environment import lookup_environment

    found = (lookup_environment(name) for name in environments)
    return any(environment is not None and environment.consts for environment in found)
