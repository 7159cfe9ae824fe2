"""Dataclasses as trees: `register_dataclass`. Other classes are registered with optree."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import optree

_C = TypeVar("_C", bound=type)
_register: Any = optree.register_pytree_node  # its types want a collection


def register_dataclass(cls: _C, meta_fields: Sequence[str] = ()) -> _C:
    """Make a dataclass a tree: its fields are branches for every transform, as the items of a dict are.

    Fields in `meta_fields` are no branches but part of the structure: hashable, and compared by `==`, as a
    number of layers. Gives the class back, so that it can be a decorator. Trees are put together by calling
    the class. Raises TypeError for what is no dataclass, ValueError for fields that it does not have, or that
    its constructor does not take, and for a class that is registered already.

    >>> import dataclasses, numpy as np, tapejit as tj
    >>> @tj.register_dataclass
    ... @dataclasses.dataclass
    ... class Line:
    ...     slope: float
    ...     shift: float
    >>> tj.grad(lambda line: line.slope * 3.0 + line.shift)(Line(1.0, 2.0))
    Line(slope=np.float64(3.0), shift=np.float64(1.0))
    """
    names = _field_names(cls)
    unknown = [name for name in meta_fields if name not in names]
    if unknown:
        raise ValueError(f"{cls.__name__} has no field {unknown[0]!r} that its constructor takes")
    branches = tuple(name for name in names if name not in meta_fields)
    flatten = functools.partial(_flattened, branches, tuple(meta_fields))
    _register(cls, flatten, _unflattener(cls, branches), namespace=optree.registry.__GLOBAL_NAMESPACE)
    return cls


def _field_names(cls: Any) -> list[str]:
    if not (isinstance(cls, type) and dataclasses.is_dataclass(cls)):
        raise TypeError(f"register_dataclass takes a dataclass, not {cls!r}; put @dataclass below it")
    return [field.name for field in dataclasses.fields(cls) if field.init]


def _flattened(branches: tuple[str, ...], meta: tuple[str, ...], x: Any) -> Any:
    """The branches, what belongs to the structure, and what the branches are called."""
    return [getattr(x, name) for name in branches], tuple((name, getattr(x, name)) for name in meta), branches


def _unflattener(cls: Any, branches: tuple[str, ...]) -> Callable[[Any, Any], Any]:
    return lambda meta, children: cls(**dict(zip(branches, children, strict=True)), **dict(meta))
