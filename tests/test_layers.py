"""The house stands: each rule of `layers` holds here, and catches a tree that breaks it."""

import subprocess
import sys
from pathlib import Path

import layers
import pytest

LONG_FUNCTION = "def f():\n" + "    pass\n" * layers.FUNCTION_LINES
IN_FUNCTION = "def f():\n    "
FOR_TYPING = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    "
CIRCLE = {
    "ir/a.py": "import tapejit.ir.b",
    "ir/b.py": "from tapejit.ir import c",
    "ir/c.py": "from tapejit.ir.a import x",
}

# A rule, a tree that breaks it once, and a part of what the rule must say.
BROKEN = [
    (layers.imports_up_or_sideways, {"ir/a.py": "import tapejit"}, "ir/a.py:1 ir imports tapejit"),
    (layers.imports_up_or_sideways, {"ir/a.py": "from tapejit.engine import run"}, "tapejit.engine.run"),
    (layers.imports_up_or_sideways, {"ir/a.py": "from tapejit import codegen"}, "tapejit.codegen"),
    (layers.imports_up_or_sideways, {"tracer/a.py": "from tapejit.runtime import b"}, "tapejit.runtime.b"),
    (layers.imports_up_or_sideways, {"codegen/a.py": IN_FUNCTION + "import tapejit.tracer.b"}, "a.py:2"),
    (layers.imports_up_or_sideways, {"runtime/a.py": FOR_TYPING + "from tapejit.codegen import b"}, "a.py:3"),
    (layers.relative_imports, {"tracer/a.py": "from ..codegen import emit"}, "tracer/a.py:1 relative"),
    (layers.foreign_imports, {"ir/a.py": "import numpy, math, scipy.sparse"}, "ir imports scipy.sparse"),
    (layers.foreign_imports, {"codegen/a.py": "from numba import njit"}, "codegen imports numba.njit"),
    (layers.numba_outside_loader, {"runtime/cache.py": IN_FUNCTION + "import numba.core"}, "cache.py:2"),
    (layers.execution_outside_loader, {"codegen/a.py": "x = 1\nexec('y = x')"}, "codegen/a.py:2 exec"),
    (layers.import_circles, CIRCLE, "tapejit.ir.b -> tapejit.ir.c"),
    (layers.long_functions, {"ir/a.py": LONG_FUNCTION}, f"f has {layers.FUNCTION_LINES + 1} lines"),
    (layers.vague_names, {"api/utils.py": ""}, "api/utils.py"),
    (layers.vague_names, {"ir/helpers/a.py": ""}, "ir/helpers/a.py"),
]

SOUND = {
    "ir/__init__.py": "",
    "ir/a.py": "import math\nimport numpy as np\nfrom tapejit.ir import b",
    "ir/b.py": FOR_TYPING + "from tapejit.ir.a import x\n" + IN_FUNCTION + "from tapejit.ir import a",
    "codegen/__init__.py": "",
    "codegen/a.py": "import llvmlite.ir\nfrom tapejit.ir.a import x\nfrom tapejit.codegen import b",
    "runtime/__init__.py": "",
    "runtime/loader.py": "import numba\nexec('')",
    "tracer/__init__.py": "import optree",
    "tracer/a.py": "import tapejit.ir.a",
    "api/__init__.py": "from tapejit import tracer\nfrom tapejit.engine import run",
    "api/engine.py": "from tapejit.codegen import a\nfrom tapejit.runtime import loader",
    "api/a.py": LONG_FUNCTION.replace("    pass\n", "", 1),
}


def plant(root: Path, files: dict[str, str]) -> list[layers.Module]:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return layers.read_house(root)


@pytest.mark.parametrize("rule", layers.RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps(rule):
    modules = layers.read_house(layers.ROOT)
    assert len(modules) > len(layers.RANK)
    assert rule(modules) == []


@pytest.mark.parametrize("rule", layers.RULES, ids=lambda rule: rule.__name__)
def test_a_sound_tree_passes(rule, tmp_path):
    assert rule(plant(tmp_path, SOUND)) == []


@pytest.mark.parametrize(("rule", "files", "message"), BROKEN)
def test_a_planted_violation_is_caught(rule, files, message, tmp_path):
    (violation,) = rule(plant(tmp_path, files))
    assert message in violation


def test_every_rule_has_a_planted_violation():
    assert {rule for rule, *_ in BROKEN} == set(layers.RULES)


def test_every_package_is_shipped():
    assert layers.unshipped_packages(layers.ROOT) == set()


def test_a_forgotten_package_is_noticed(tmp_path):
    plant(tmp_path, {"api/__init__.py": "", "ir/__init__.py": "", "ir/passes/__init__.py": ""})
    (tmp_path / "pyproject.toml").write_text('[tool.setuptools]\npackages = ["tapejit", "tapejit.ir"]\n')
    assert layers.unshipped_packages(tmp_path) == {"tapejit.ir.passes"}


def test_importing_tapejit_does_not_import_numba():
    check = "import sys, tapejit; sys.exit('numba' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
