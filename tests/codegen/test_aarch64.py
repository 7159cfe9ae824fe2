"""The vector math as AArch64 code: loops become NEON instructions, and nothing of a C library is called.

LLVM compiles for that processor on any machine; where its build cannot, there is nothing to test.
"""

import re

import llvmlite.binding as llvm
import llvmlite.ir as ll
import pytest

from tapejit.codegen.scalar_library import LIBRARY
from tapejit.codegen.shared_function import ELEMENTS, home_of
from tapejit.codegen.vocabulary import VOCABULARY
from tapejit.runtime.shared_code import Registers

TRIPLE, REGISTER = "aarch64-unknown-linux-gnu", 16
NAMES = (
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "pow", "sin", "cos", "tan", "arcsin", "arccos",
    "arctan", "arctan2", "sinh", "cosh", "tanh", "logistic", "erf", "erfc", "cbrt", "rsqrt", "sqrt",
)  # fmt: skip
WITH_RARE_BRANCHES = ("sin", "cos", "tan", "lgamma", "digamma")
ARRANGEMENT = {"f64": "2d", "f32": "4s"}  # of a register in NEON


@pytest.fixture(scope="module")
def machine():
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    try:
        target = llvm.Target.from_triple(TRIPLE)
    except RuntimeError:
        pytest.skip("this build of LLVM has no AArch64")
    return target.create_target_machine(cpu="generic", opt=3)


def assembly(module: ll.Module, machine: llvm.TargetMachine) -> str:
    module.triple = TRIPLE
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(parsed, builder)
    return machine.emit_assembly(parsed)


def loop_over(name: str, element: ll.Type) -> ll.Module:
    """`out[i] = name(x[i], ...)` for i below a multiple of 64."""
    module, index, row = ll.Module(name), ll.IntType(64), element.as_pointer()
    arity = LIBRARY[name].arity
    function = ll.Function(module, ll.FunctionType(ll.VoidType(), [row] * (arity + 1)), "loop")
    for argument in function.args:
        argument.add_attribute("noalias")
    start, body, end = (function.append_basic_block(block) for block in ("start", "body", "end"))
    ll.IRBuilder(start).branch(body)
    builder = ll.IRBuilder(body)
    i = builder.phi(index)
    *xs, out = (builder.gep(argument, [i]) for argument in function.args)
    builder.store(LIBRARY[name].build(builder, *map(builder.load, xs)), out)
    following = builder.add(i, index(1))
    i.add_incoming(index(0), start)
    i.add_incoming(following, builder.block)
    builder.cbranch(builder.icmp_unsigned("<", following, index(4096)), body, end)
    ll.IRBuilder(end).ret_void()
    return module


def called(code: str) -> set[str]:
    """What is called outside of the module and of the shared functions."""
    names = set(re.findall(r"^\tb(?:l|\.\w+)?\t([A-Za-z_]\w*)$", code, re.MULTILINE))
    return {name for name in names if f"\n{name}:" not in code and VOCABULARY.home(name) is None}


@pytest.mark.parametrize("dtype", ELEMENTS)
@pytest.mark.parametrize("name", [name for name in NAMES if name not in WITH_RARE_BRANCHES])
def test_a_loop_is_vectorised_and_calls_nothing(name, dtype, machine):
    code = assembly(loop_over(name, ELEMENTS[dtype]), machine)
    stores = re.findall(r"\t(?:str|stp|stur)\tq\d+", code)
    operations = re.findall(rf"\tf\w+\tv\d+\.{ARRANGEMENT[dtype]}, ", code)
    assert stores
    assert operations
    assert called(code) == set()


@pytest.mark.parametrize("dtype", ELEMENTS)
@pytest.mark.parametrize("name", [*WITH_RARE_BRANCHES, "exp"])
def test_a_shared_function_computes_in_registers_of_two_doubles_or_four_floats(name, dtype, machine):
    home = f"tapejit_shared_{dtype}_{name}"
    code = assembly(VOCABULARY.definition(home, Registers(REGISTER, 32)), machine)
    whole = f"{home}_x{ {'f64': 2, 'f32': 4}[dtype] }"
    body = code.split(f"\n{whole}:")[1].split(".Lfunc_end")[0]
    assert re.findall(rf"\tfmla\tv\d+\.{ARRANGEMENT[dtype]}, ", body)
    assert called(code) == set()
    assert home_of(whole) == home
