"""Every primitive by name: what the parser reads, the tests run through and the documentation lists."""

from __future__ import annotations

from tapejit.ir import call, complex_number, control, custom, gather, loop, modulus, ops, scan, sort
from tapejit.ir.primitive import Primitive

TABLE: dict[str, Primitive] = {
    row.name: row
    for module in (ops, gather, scan, complex_number, modulus, sort, control, loop, call, custom)
    for row in vars(module).values()
    if isinstance(row, Primitive)
}
