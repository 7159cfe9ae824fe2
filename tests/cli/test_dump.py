"""`tapejit dump` on functions and on IR text: every stage, and every mistake in one line."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tapejit.ir.parser import parse_function
from tapejit.ir.verifier import verify
from tapejit.stage import STAGES

IR_OF_LOSS = """\
func @loss(%x: f64[10]) -> (f64[]) {
  %0 = sin %x : f64[10]
  %1 = full {dtype=f64, shape=[10], value=0.5} : f64[10]
  %2 = mul %0, %1 : f64[10]
  %3 = full {dtype=f64, shape=[10], value=2.0} : f64[10]
  %4 = mul %2, %3 : f64[10]
  %5 = reduce_sum %4 {axes=[0]} : f64[]
  return %5
}
"""


@pytest.mark.usefixtures("model")
class TestFunctions:
    def test_ir_is_the_default(self, tapejit):
        assert tapejit("dump", "model.py:loss", "--arg", "f64[10]") == (0, IR_OF_LOSS, "loading\n")

    def test_trace_names_the_lines(self, tapejit):
        assert "# model.py:10" in tapejit("dump", "model.py:loss", "--arg", "f64[3]", "--stage", "trace").out

    def test_adjoint_is_ir_with_the_gradient(self, tapejit):
        found = tapejit("dump", "model.py:loss", "--arg", "f64[10]", "--stage", "adjoint")
        function = verify(parse_function(found.out))
        assert [str(v.type) for v in function.results] == ["f64[]", "f64[10]"]

    def test_adjoint_of_a_plain_function_takes_the_adjoints_of_its_results(self, tapejit):
        found = tapejit("dump", "model.py:plain", "--arg", "f64[10]", "--stage", "adjoint")
        function = verify(parse_function(found.out))
        assert [str(v.type) for v in function.params] == ["f64[10]", "f64[]"]
        assert [str(v.type) for v in function.results] == ["f64[]", "f64[10]"]

    def test_residuals_are_ir_that_says_what_is_stored(self, tapejit):
        found = tapejit("dump", "model.py:rows", "--arg", "f64[90,50]", "--stage", "residuals")
        verify(parse_function(found.out))
        head, count, *lines = found.out.splitlines()
        assert head.startswith("# One program computes values and gradients")
        assert count == "# 1 of its values are handed over, 720 bytes beyond its results"
        fates = {line.split()[2]: line.partition("# ")[2] for line in lines if "# " in line}
        assert fates["reduce_sum"].startswith("stored, 720 bytes: 2,912 additions, again 7,380 additions")
        assert fates["exp"].startswith("computed again: 90,000 additions")
        assert fates["exp"].endswith("(model.py:45)")

    @pytest.mark.parametrize(
        ("stage", "part"),
        [("schedule", "reduce_sum"), ("source", "for i in range(10):"), ("llvm", "define"), ("asm", "ret")],
    )
    def test_stages_below_the_ir(self, tapejit, stage, part):
        found = tapejit("dump", "model.py:loss", "--arg", "f64[10]", "--stage", stage)
        assert found.status == 0
        assert part in found.out

    def test_several_stages_have_headings(self, tapejit):
        found = tapejit("dump", "model.py:plain", "--arg", "f64[3]", "--stage", "ir", "--stage", "source")
        assert found.out.startswith("# ir\nfunc @plain")
        assert "\n\n# source\ndef program(" in found.out

    def test_arguments_by_position_and_name(self, tapejit):
        found = tapejit("dump", "model.py:plain", "--arg", "f32[2,3]", "--arg", "scale=f32[]")
        assert found.out.startswith("func @plain(%x: f32[2,3], %a1: f32[]) -> (f32[])")

    def test_branches_give_several_segments(self, tapejit):
        found = tapejit("dump", "model.py:branches", "--arg", "f64[3]")
        assert found.out.count("func @branches") == 2

    def test_attribute_of_a_class(self, tapejit):
        assert "func @apply" in tapejit("dump", "model.py:Layer.apply", "--arg", "f64[3]").out

    def test_output_goes_to_a_file(self, tapejit, tmp_path):
        found = tapejit("dump", "model.py:loss", "--arg", "f64[10]", "--output", "loss.ir")
        assert found.out == ""
        assert (tmp_path / "loss.ir").read_text() == IR_OF_LOSS

    def test_colours_in_a_terminal_only(self, tapejit, monkeypatch):
        monkeypatch.setenv("FORCE_COLOR", "1")
        arguments = ("dump", "model.py:loss", "--arg", "f64[10]")
        coloured = tapejit(*arguments, "--stage", "ir", "--stage", "source").out
        assert "\x1b[" in coloured
        assert tapejit(*arguments, "--output", "plain.txt").out == ""
        assert "\x1b[" not in Path("plain.txt").read_text()

    def test_the_same_output_every_time(self, tapejit):
        arguments = ("dump", "model.py:branches", "--arg", "f64[3]", "--stage", "source")
        assert tapejit(*arguments).out == tapejit(*arguments).out


@pytest.mark.usefixtures("model")
class TestMistakes:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["missing.py:f"], "missing.py: no such file"),
            (["model.py"], "model.py: name a function, as in model.py:loss"),
            (["model.txt"], "'model.txt' is neither FILE.py:FUNCTION nor FILE.ir"),
            (["model.py:lose"], "model.py has no 'lose'; it defines loss, plain,"),
            (["model.py:Layer.missing"], "model.py has no 'Layer.missing'"),
            (["model.py:CONSTANT"], "model.py:CONSTANT is no function but int"),
            (["model.py:loss", "--arg", "f16[3]"], "'f16[3]': unknown dtype 'f16'; choose one of f64,"),
            (["model.py:loss", "--arg", "f64[3"], "'f64[3' is no argument; write f64[3,4],"),
            (["model.py:loss", "--arg", "f64[-1]"], "'f64[-1]' is no argument"),
            (["model.py:loss", "--arg", "'text'"], "is no argument"),
            (["model.py:loss", "--arg", "f64[1000000000000]"], "Unable to allocate"),
            (["model.py:loss", "--stage", "tokens"], "unknown stage 'tokens'; choose one of trace, ir,"),
            (["model.py:loss"], "called with 0 positional arguments"),
            (["model.py:loss", "--arg", "i64[3]"], "argument 0 holds int64"),
            (["model.py:plain"], "missing 1 required positional argument: 'x'"),
            (["model.py:plain", "--arg", "f64[3]", "--arg", "size=3"], "unexpected keyword argument 'size'"),
            (["model.py:mismatched", "--arg", "f64[3]"], "model.py:19: ShapeError: add(f64[3], f64[7])"),
            (["model.py:divides", "--arg", "f64[3]"], "model.py:23: ZeroDivisionError: integer division"),
            (["model.py:ignores", "--arg", "f64[3]"], "ignores recorded no operation on arrays"),
            (["model.py:plain", "--arg", "f64[3]", "--output", "no/folder"], "cannot write no/folder"),
            ([], "Missing argument"),
            (["model.py:plain", "--stages", "ir"], "No such option"),
        ],
    )
    def test_one_line_and_status_2(self, tapejit, arguments, message):
        found = tapejit("dump", *arguments)
        *loading, complaint = found.err.splitlines()
        assert found.status == 2
        assert found.out == ""
        assert loading in ([], ["loading"])
        assert complaint.startswith("tapejit: ")
        assert message in complaint

    def test_file_that_does_not_compile(self, tapejit, tmp_path):
        (tmp_path / "broken.py").write_text("x = 1\ny = = 2\n")
        found = tapejit("dump", "broken.py:f")
        assert found.status == 2
        assert found.err.startswith("tapejit: broken.py:2: SyntaxError: invalid syntax")

    def test_file_that_fails_while_it_is_loaded(self, tapejit, tmp_path):
        (tmp_path / "fails.py").write_text("import json\njson.loads('{')\n")
        found = tapejit("dump", "fails.py:f")
        assert found.status == 2
        assert "fails.py:2: JSONDecodeError" in found.err
        assert found.err.count("\n") == 1

    def test_file_that_exits(self, tapejit, tmp_path):
        (tmp_path / "exits.py").write_text("raise SystemExit('enough')\n")
        assert tapejit("dump", "exits.py:f")[::2] == (2, "tapejit: exits.py:1: SystemExit: enough\n")


class TestText:
    @pytest.fixture(autouse=True)
    def _file(self, tmp_path):
        (tmp_path / "loss.ir").write_text(IR_OF_LOSS)

    @pytest.mark.parametrize("stage", [s for s in STAGES if s != "trace"])
    def test_stages(self, tapejit, stage):
        found = tapejit("dump", "loss.ir", "--stage", stage)
        assert found.status == 0
        assert found.out

    def test_adjoint_of_the_adjoint(self, tapejit):
        assert tapejit("dump", "loss.ir", "--stage", "adjoint", "--output", "first.ir").status == 0
        second = parse_function(tapejit("dump", "first.ir", "--stage", "adjoint").out)
        assert len(verify(second).results) == 2 + 2

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("func @f(%x: f64[3]) -> (f64[3]) { return %y }", "bad.ir: line 1, column 42: %y is not defined"),
            ("func @f(%x: f64[3]) -> (f64[2]) { %0 = sin %x : f64[2] return %0 }", "f64[3]"),
            ("", "bad.ir: line 1, column 1: expected 'func'"),
        ],
    )
    def test_text_that_is_no_ir(self, tapejit, tmp_path, text, message):
        (tmp_path / "bad.ir").write_text(text)
        found = tapejit("dump", "bad.ir")
        assert found.status == 2
        assert message in found.err

    def test_mistakes(self, tapejit):
        assert "was not traced" in tapejit("dump", "loss.ir", "--stage", "trace").err
        assert "leave out --arg" in tapejit("dump", "loss.ir", "--arg", "f64[3]").err
        assert "no such file" in tapejit("dump", "missing.ir").err


def test_console_script_and_pipe(model):
    script = Path(sys.executable).with_name("tapejit")
    command = [script, "dump", str(model) + ":plain", "--arg", "f64[10]"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.startswith("func @plain(%x: f64[10]")
    assert not list(model.parent.glob("__pycache__/model.*"))  # nothing is left beside the user's file


def test_random_arguments_are_tame():
    from tapejit.argument import parse_argument

    rng = np.random.default_rng(0)
    floats = parse_argument("f32[100]").value(rng)
    assert floats.dtype == np.float32
    assert 0.1 < floats.min() < floats.max() < 1.0
    integers = parse_argument(" n = i64[2, 50] ").value(rng)
    assert integers.shape == (2, 50)
    assert set(integers.ravel()) == {1, 2, 3, 4}
    numbers = parse_argument("c64[50]").value(rng)
    assert numbers.dtype == np.complex64
    assert 0.1 < numbers.imag.min() < numbers.imag.max() < 1.0
    assert parse_argument("bool[]").value(rng).dtype == bool
    assert parse_argument("z=1+2j").value(rng) == 1 + 2j
    assert parse_argument("rate=1e-3").value(rng) == 1e-3
    assert parse_argument("True").value(rng) is True
