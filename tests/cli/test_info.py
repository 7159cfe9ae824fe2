"""`tapejit info` and `tapejit --version`."""

from importlib.metadata import version


def test_info_names_versions_and_checks_itself(tapejit):
    found = tapejit("info")
    lines = dict(line.split(maxsplit=1) for line in found.out.splitlines())
    assert found.status == 0
    assert lines["tapejit"] == version("tapejit")
    assert lines["numba"] == version("numba")
    assert lines["check"].startswith("right: ")
    assert {"processor", "tier", "programs"} <= lines.keys()


def test_version(tapejit):
    assert tapejit("--version").out == f"tapejit {version('tapejit')}\n"


def test_help_lists_the_commands(tapejit):
    found = tapejit("--help")
    assert found.status == 0
    assert "dump" in found.out
    assert "info" in found.out


def test_unknown_command(tapejit):
    found = tapejit("compile")
    assert found.status == 2
    assert found.err == "tapejit: No such command 'compile'.\n"
