"""Keys of random numbers: all that a draw depends on, so that it can be repeated, split and mapped over.

A key is a pytree of one int64 array: it passes through `jit`, `grad` and `vmap` as any other argument. Many
keys are one `Key` of several elements. Start at `key` and `split`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from typing import Any

import numpy as np
import optree

from tapejit.tracer.array import Array
from tapejit.tracer.handle import Handle
from tapejit.tracer.state import STATE
from tapejit.tracer.surface import random as surface
from tapejit.tracer.surface.function import Function

__all__ = ["Key", "draw", "fold_in", "key", "key_data", "shape_of", "split"]


class Key:
    """One key, or an array of them; made by `key`, `split` and `fold_in`.

    >>> from tapejit import random
    >>> random.split(random.key(0), 3).shape
    (3,)
    """

    __slots__ = ("_data",)

    def __init__(self, data: Any):
        self._data = data

    @property
    def shape(self) -> tuple[int, ...]:
        """() for a single key."""
        return tuple(self._data.shape)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a single key has no length; split(key, n) makes n keys")
        return self.shape[0]

    def __getitem__(self, index: Any) -> Key:
        return Key(np.asarray(self._data[index]) if isinstance(self._data, np.ndarray) else self._data[index])

    def __iter__(self) -> Iterator[Key]:
        return (self[k] for k in range(len(self)))

    def __repr__(self) -> str:
        return f"Key({self._data})" if isinstance(self._data, Handle) else f"Key({self._data.tolist()})"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._data, dtype=dtype, copy=copy)


def _flatten(key: Key) -> tuple[tuple[Any], None, None]:
    return (key._data,), None, None


_register: Any = optree.register_pytree_node  # its types want a collection
_register(Key, _flatten, lambda _, children: Key(children[0]), namespace=optree.registry.__GLOBAL_NAMESPACE)


def key(seed: int) -> Key:
    """The key of a seed, a Python int of which the lower 64 bits count.

    >>> from tapejit import random
    >>> random.key(7)
    Key(7)
    """
    number = operator.index(seed) % 2**64
    return Key(np.array(number - 2**64 if number >= 2**63 else number, np.int64))


def key_data(key: Key) -> Any:
    """The numbers that a key consists of: an int64 array of its shape."""
    return _checked(key, "key_data")._data


def split(key: Key, num: int | tuple[int, ...] = 2) -> Key:
    """`num` independent keys (or an array of them of this shape) made of one, which is not used again.

    >>> from tapejit import random
    >>> first, second = random.split(random.key(0))
    >>> float(random.uniform(first)) != float(random.uniform(second))
    True
    """
    shape = shape_of(num)
    data = draw(surface.random_split, key, num=math.prod(shape))
    return Key(data if len(shape) == 1 else np.reshape(data, shape))


def fold_in(key: Key, data: Any) -> Key:
    """The key made of a key and a whole number (of at most 61 bits), such as the number of a step.

    ValueError if a Python int has more bits.
    """
    if isinstance(data, int) and not -surface.MOST_FOLD <= data < surface.MOST_FOLD:
        raise ValueError(f"fold_in takes whole numbers of at most 61 bits, got {data}")
    found = _given(key, "fold_in")
    if isinstance(found, Handle) or isinstance(data, Handle):
        return Key(surface.random_fold(found, data))
    return Key(surface.random_fold.op.numpy(found, data))


def draw(function: Function, key: Key, **statics: Any) -> Any:
    """What `function` draws for a key: a NumPy array, or inside a trace an array of ours."""
    data = _given(key, function.__name__)
    return (function if isinstance(data, Handle) else function.op.numpy)(data, **statics)


def _given(key: Key, name: str) -> Any:
    """The data; inside a trace as an array of ours, so that the draw is part of it."""
    data = _checked(key, name)._data
    recorded = STATE.tape is not None and not isinstance(data, Handle)
    return Array.wrap(np.asarray(data)) if recorded else data


def _checked(key: Any, name: str) -> Key:
    if not isinstance(key, Key):
        raise TypeError(f"{name}: expected a key as made by tapejit.random.key, got {type(key).__name__}")
    return key


def shape_of(given: Any) -> tuple[int, ...]:
    """A shape, of a number or a sequence."""
    return tuple(map(operator.index, given)) if isinstance(given, tuple | list) else (operator.index(given),)
