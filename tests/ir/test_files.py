"""Each `.ir` file is a test: a command, an input, and the exact expected output.

`# test: adjoint` runs a pass or transform and compares all that follows `# expect`; the output is
verified too. `# test: error` expects the message of the `# error:` comment. `pytest --bless`
rewrites the expectations; read the diff before committing it.
"""

from pathlib import Path

import pytest

from tapejit.ir.function import IRError
from tapejit.ir.parser import parse_function
from tapejit.ir.passes.cse import cse
from tapejit.ir.passes.dce import dce
from tapejit.ir.passes.fold import fold
from tapejit.ir.passes.hermitian import hermitian
from tapejit.ir.passes.pipeline import canonicalise
from tapejit.ir.passes.simplify import simplify
from tapejit.ir.passes.updates import updates
from tapejit.ir.printer import print_function
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.ir.transforms.batch import batch
from tapejit.ir.transforms.tangent import tangent
from tapejit.ir.verifier import verify

ROOT = Path(__file__).parent / "files"
SEPARATOR = "# expect\n"
COMMANDS = {
    "roundtrip": lambda f: f,
    "cse": cse,
    "dce": dce,
    "fold": fold,
    "simplify": lambda f: dce(simplify(f)),
    "updates": updates,
    "canonicalise": canonicalise,
    "hermitian": lambda f: canonicalise(hermitian(f)),
    "adjoint": adjoint,
    "gradient": lambda f: canonicalise(adjoint(f, unit_seed=True)),
    "tangent": tangent,
    "batch": lambda f: batch(f, 4),
    "batch first": lambda f: batch(f, 4, [True] + [False] * (len(f.params) - 1)),
    "batch last": lambda f: batch(f, 4, [False] * (len(f.params) - 1) + [True]),
}
FILES = sorted(ROOT.rglob("*.ir"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file(path, request):
    source, _, expected = path.read_text().partition(SEPARATOR)
    command = source.splitlines()[0].removeprefix("# test: ")
    if command == "error":
        expect_error(source)
        return
    actual = print_function(verify(COMMANDS[command](verify(parse_function(source)))))
    if request.config.getoption("--bless"):
        path.write_text(source + SEPARATOR + actual)
    else:
        assert actual == expected


def expect_error(text):
    wanted = next(line.split("# error: ")[1] for line in text.splitlines() if "# error: " in line)
    with pytest.raises(IRError) as error:
        verify(parse_function(text))
    assert wanted in str(error.value)


def test_every_command_has_a_file():
    assert {p.read_text().splitlines()[0].removeprefix("# test: ") for p in FILES} == {*COMMANDS, "error"}
