"""What machine code has to know of the tracer's objects to take a step that was taken before.

`Tape.binary` and `Tape.unary` are what a step is; where the operands are on the tape and the trie knows the
way, a builtin (`Trie.step`) does the same without a frame of Python. Here are the slots it reads and writes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tapejit.tracer.handle import Handle
from tapejit.tracer.operation import Operation
from tapejit.tracer.storage import Arguments
from tapejit.tracer.tape import Tape
from tapejit.tracer.trie import Node


class Slots(NamedTuple):
    """Descriptors of slots, by what they hold. All of a handle are set; the last ones to None."""

    tape_node: Any
    tape_arguments: Any
    tape_values: Any
    tape_entered: Any
    argument_values: Any
    argument_changed: Any
    node_children: Any
    node_type: Any
    node_types: Any
    node_tracked: Any
    operation_view: Any
    handle_tape: Any
    handle_index: Any
    handle_type: Any
    handle_tracked: Any
    handle_others: tuple[Any, ...]


_SET = ("_tape", "_index", "_type", "_tracked", "__weakref__")
SLOTS = Slots(
    tape_node=vars(Tape)["node"],
    tape_arguments=vars(Tape)["arguments"],
    tape_values=vars(Tape)["values"],
    tape_entered=vars(Tape)["_entered"],
    argument_values=vars(Arguments)["values"],
    argument_changed=vars(Arguments)["changed"],
    node_children=vars(Node)["children"],
    node_type=vars(Node)["type"],
    node_types=vars(Node)["types"],
    node_tracked=vars(Node)["tracked"],
    operation_view=vars(Operation)["view"],
    handle_tape=vars(Handle)["_tape"],
    handle_index=vars(Handle)["_index"],
    handle_type=vars(Handle)["_type"],
    handle_tracked=vars(Handle)["_tracked"],
    handle_others=tuple(vars(Handle)[name] for name in Handle.__slots__ if name not in _SET),
)
