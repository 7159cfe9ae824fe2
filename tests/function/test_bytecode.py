"""Joined instructions of later Pythons are read as the two that they are; here they are made up."""

import dis

from tapejit.bytecode import instructions
from tapejit.usage import usage_of


class Model:
    offset = 1.0

    def shifted(self, x):
        return x + self.offset


def _joined(code):
    """The instructions of `code`, with neighbouring loads of variables joined, as Python 3.13 does it."""
    rest = list(dis.Bytecode(code))
    while rest:
        first = rest.pop(0)
        if rest and first.opname == rest[0].opname == "LOAD_FAST":
            both = (first.argval, rest.pop(0).argval)
            first = first._replace(opname="LOAD_FAST_LOAD_FAST", argval=both, argrepr=", ".join(both))
        yield first


def test_joined_loads_are_two(monkeypatch):
    code = Model.shifted.__code__
    monkeypatch.setattr(dis, "get_instructions", _joined)
    loads = [i.argval for i in instructions(code) if i.opname == "LOAD_FAST"]
    assert loads == ["x", "self"]
    assert len({i.offset for i in instructions(code)}) == len(list(instructions(code)))
    assert [(use.name, use.attributes) for use in usage_of(code, ["self"]).uses] == [("self", ("offset",))]
