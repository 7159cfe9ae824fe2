"""`make test-oldest` tests what pyproject.toml promises."""

import tomllib
from pathlib import Path

TESTS = Path(__file__).parent


def test_the_oldest_versions_are_those_of_the_project():
    project = tomllib.loads((TESTS.parent / "pyproject.toml").read_text())["project"]
    lines = (TESTS / "oldest.txt").read_text().splitlines()
    oldest = {line.replace("==", ">=").removesuffix(".*") for line in lines if not line.startswith("#")}
    assert oldest == set(project["dependencies"])
