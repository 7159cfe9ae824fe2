"""Every primitive by name: what the parser reads, the tests run through and the documentation lists."""

from __future__ import annotations

from tapejit.ir import (
    call,
    complex_number,
    control,
    custom,
    determinant,
    discrete_quantile,
    eigen,
    factor,
    fourier,
    gather,
    incomplete_beta,
    incomplete_gamma,
    loop,
    modulus,
    number,
    ops,
    random,
    running,
    scan,
    solve,
    sort,
    special,
    spectrum,
    update,
    wald,
)
from tapejit.ir.primitive import Primitive

TABLE: dict[str, Primitive] = {
    row.name: row
    for module in (
        ops,
        special,
        incomplete_gamma,
        incomplete_beta,
        wald,
        discrete_quantile,
        number,
        gather,
        scan,
        running,
        complex_number,
        modulus,
        sort,
        control,
        loop,
        call,
        custom,
        solve,
        factor,
        spectrum,
        eigen,
        determinant,
        fourier,
        update,
        random,
    )
    for row in vars(module).values()
    if isinstance(row, Primitive)
}
