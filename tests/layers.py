"""The rules of the house, read off the source without importing it.

Every rule takes the modules of a source tree and returns its violations, one line of text each, so
that it can be run on this project and on small trees that break it. Start at `RULES`; the rules'
reasons are in docs/decisions/0001-house-layout.md.
"""

import ast
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

RANK = {"ir": 0, "tracer": 1, "codegen": 1, "runtime": 1, "api": 2}
OUTSIDE = {"ir": {"numpy"}, "codegen": {"numpy", "llvmlite"}}  # a layer not named here is free
LOADER = Path("runtime/loader.py")
# The loader, and what it hands work to.
COMPILING = {
    LOADER,
    *(
        Path("runtime", name)
        for name in (
            "allocation.py",
            "builtin_writer.py",
            "code_library.py",
            "expression.py",
            "gemm.py",
            "launch.py",
            "lowering.py",
            "machine_code.py",
            "matrix_product.py",
            "names.py",
            "part_function.py",
            "pipeline.py",
            "workspace.py",
            "lapack.py",
            "routine.py",
            "shared_code.py",
            "signals.py",
            "variable.py",
            "fourier.py",
            "fourier_call.py",
        )
    ),
}
FUNCTION_LINES = 60
VAGUE = {"util", "utils", "helper", "helpers", "common", "misc"}


@dataclass(frozen=True)
class Module:
    """One source file: its import name, its path from the root and its syntax tree."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def layer(self) -> str:
        return self.path.parts[0]

    def at(self, line: int, message: str) -> str:
        return f"{self.path}:{line} {message}"


@dataclass(frozen=True)
class Import:
    """`target` is the dotted name as far as the statement tells: `from a import b` gives `a.b`."""

    target: str
    line: int
    typing_only: bool  # under `if TYPE_CHECKING:`
    deferred: bool  # inside a function
    relative: bool

    @property
    def top(self) -> str:
        return self.target.split(".")[0]


def read_house(root: Path) -> list[Module]:
    """Every module of the packages below `root`."""
    paths = sorted(path for layer in RANK for path in (root / layer).rglob("*.py"))
    return [
        Module(import_name(path.relative_to(root)), path.relative_to(root), ast.parse(path.read_text()))
        for path in paths
    ]


def import_name(path: Path) -> str:
    """`ir/choice.py` is imported as `tapejit.ir.choice`, `api/engine.py` as `tapejit.engine`."""
    parts = path.with_suffix("").parts
    parts = parts[1:] if parts[0] == "api" else parts
    return ".".join(("tapejit", *(p for p in parts if p != "__init__")))


def imports(module: Module) -> Iterator[Import]:
    """Every import statement of `module`, wherever it stands."""
    yield from _imports(module.tree, typing_only=False, deferred=False)


def _imports(node: ast.AST, typing_only: bool, deferred: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from (Import(a.name, node.lineno, typing_only, deferred, False) for a in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = f"{node.module}." if node.module else ""
        relative = node.level > 0
        yield from (Import(base + a.name, node.lineno, typing_only, deferred, relative) for a in node.names)
    elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for child in node.body:
            yield from _imports(child, True, deferred)
        for child in node.orelse:
            yield from _imports(child, typing_only, deferred)
    else:
        deferred = deferred or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.iter_child_nodes(node):
            yield from _imports(child, typing_only, deferred)


def layer_of(target: str) -> str | None:
    """The layer a dotted import name belongs to; None for what is not of the house."""
    top, *below = target.split(".")
    if top != "tapejit":
        return None
    return below[0] if below and below[0] in RANK else "api"


def imports_up_or_sideways(modules: list[Module]) -> list[str]:
    """A package imports only itself and lower ones; that a name is only for typing is no excuse."""
    return [
        module.at(imported.line, f"{module.layer} imports {imported.target}")
        for module in modules
        for imported in imports(module)
        if (layer := layer_of(imported.target)) not in (None, module.layer)
        and RANK[layer] >= RANK[module.layer]
    ]


def relative_imports(modules: list[Module]) -> list[str]:
    """Imports are absolute: a relative one cannot be searched for, and escapes the rule above."""
    return [
        module.at(imported.line, f"relative import of {imported.target}")
        for module in modules
        for imported in imports(module)
        if imported.relative
    ]


def foreign_imports(modules: list[Module]) -> list[str]:
    """`ir` is NumPy and the standard library; `codegen` may build LLVM IR as well."""
    return [
        module.at(imported.line, f"{module.layer} imports {imported.target}")
        for module in modules
        for imported in imports(module)
        if module.layer in OUTSIDE
        and not imported.relative
        and imported.top not in {"tapejit", *sys.stdlib_module_names, *OUTSIDE[module.layer]}
    ]


def numba_outside_loader(modules: list[Module]) -> list[str]:
    """Only the loader, and what it hands work to, imports Numba."""
    return [
        module.at(imported.line, f"{imported.target} imported outside {LOADER}")
        for module in modules
        for imported in imports(module)
        if imported.top == "numba" and module.path not in COMPILING
    ]


def execution_outside_loader(modules: list[Module]) -> list[str]:
    """Only the loader turns source text into code."""
    return [
        module.at(node.lineno, f"{node.func.id} called outside {LOADER}")
        for module in modules
        if module.path != LOADER
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"exec", "eval"}
    ]


def import_circles(modules: list[Module]) -> list[str]:
    """The first circle among imports that run when a module is loaded."""
    names = {module.name for module in modules}
    graph = {
        module.name: {
            _existing(imported.target, names)
            for imported in imports(module)
            if not (imported.typing_only or imported.deferred)
        }
        - {module.name, None}
        for module in modules
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [" -> ".join(reversed(error.args[1]))]
    return []


def _existing(target: str, names: set[str]) -> str | None:
    """The module that `target` is, or is an attribute of."""
    while target and target not in names:
        target = target.rpartition(".")[0]
    return target or None


def long_functions(modules: list[Module]) -> list[str]:
    """A function is at most `FUNCTION_LINES` lines, docstring and all."""
    return [
        module.at(node.lineno, f"{node.name} has {lines} lines")
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := node.end_lineno - node.lineno + 1) > FUNCTION_LINES
    ]


def vague_names(modules: list[Module]) -> list[str]:
    """A module is named after a concept."""
    return [
        module.at(1, "is a name that says nothing")
        for module in modules
        if VAGUE & set(module.path.with_suffix("").parts)
    ]


Rule = Callable[[list[Module]], list[str]]

RULES: tuple[Rule, ...] = (
    imports_up_or_sideways,
    relative_imports,
    foreign_imports,
    numba_outside_loader,
    execution_outside_loader,
    import_circles,
    long_functions,
    vague_names,
)


def unshipped_packages(root: Path) -> set[str]:
    """Packages in the tree that pyproject.toml leaves out of the wheel, or lists without a folder."""
    listed = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    inits = (path.relative_to(root) for layer in RANK for path in (root / layer).rglob("__init__.py"))
    return {import_name(path) for path in inits} ^ set(listed)
