"""What machine code has to know of the tracer's objects to do what was done before.

`Tape.binary` and `Tape.unary` are what a step is, `Tape.demand` what ends a segment; where the operands are
known and the trie knows the way, builtins (`Trie.step`, `Trie.finish`) do the same without a frame of Python.
Here are the slots they read and write, and the classes of which they make objects.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tapejit.ir.types import TensorType
from tapejit.tracer.handle import Handle, History, Leaf
from tapejit.tracer.operand import Captured
from tapejit.tracer.operation import Operation
from tapejit.tracer.segment import NO_SOURCES, NOTHING, ORDER, Segment, Source
from tapejit.tracer.storage import PRUNE_ABOVE, Arguments, Storage
from tapejit.tracer.tape import Tape
from tapejit.tracer.trie import Node, Trie


class Slots(NamedTuple):
    """Descriptors of slots, by what they hold, classes, and constants of Python's own code.

    All slots of a new array are set; `handle_others` to None.
    """

    tape_active: Any
    tape_arguments: Any
    tape_captured: Any
    tape_cuts: Any
    tape_entered: Any
    tape_history: Any
    tape_node: Any
    tape_parent: Any
    tape_sources: Any
    tape_trie: Any
    tape_values: Any
    argument_changed: Any
    argument_storages: Any
    argument_values: Any
    node_children: Any
    node_ending: Any
    node_tracked: Any
    node_type: Any
    node_types: Any
    node_used: Any
    segment_arguments: Any
    segment_kept: Any
    segment_live: Any
    segment_node: Any
    segment_order: Any
    segment_plan: Any
    segment_sources: Any
    segment_tape: Any
    handle_elements: Any
    handle_history: Any
    handle_index: Any
    handle_leaf: Any
    handle_made: Any
    handle_storage: Any
    handle_tape: Any
    handle_tracked: Any
    handle_type: Any
    handle_view: Any
    handle_others: tuple[Any, ...]
    captured_handles: Any
    leaf_tracked: Any
    operation_view: Any
    storage_most_readers: Any
    storage_prune_above: Any
    storage_readers: Any
    storage_residents: Any
    trie_root: Any
    type_dtype: Any
    type_shape: Any
    arguments_class: type
    history_class: type
    segment_class: type
    source_class: type
    storage_class: type
    no_arguments: Arguments
    no_sources: dict[int, Source]
    orders: Iterator[int]
    prune_above: int

    def __hash__(self) -> int:
        return id(self)


_SET = ("_tape", "_index", "_type", "_tracked", "__weakref__")


_OWNERS = {
    "tape": Tape,
    "argument": Arguments,
    "node": Node,
    "segment": Segment,
    "handle": Handle,
    "captured": Captured,
    "leaf": Leaf,
    "operation": Operation,
    "storage": Storage,
    "trie": Trie,
    "type": TensorType,
}


def _descriptors() -> dict[str, Any]:
    """`tape_node` is the slot `node` of a tape, `tape_entered` its slot `_entered`."""
    found = {
        f"{prefix}_{name.lstrip('_')}": slot
        for prefix, owner in _OWNERS.items()
        for name, slot in vars(owner).items()
    }
    return {name: slot for name, slot in found.items() if name in Slots._fields}


SLOTS = Slots(
    **_descriptors(),
    handle_others=tuple(vars(Handle)[name] for name in Handle.__slots__ if name not in _SET),
    arguments_class=Arguments,
    history_class=History,
    segment_class=Segment,
    source_class=Source,
    storage_class=Storage,
    no_arguments=NOTHING,
    no_sources=NO_SOURCES,
    orders=ORDER,
    prune_above=PRUNE_ABOVE,
)
