"""The command line: `dump` prints stages of a function, `explain` why it was traced, `info` what runs.

`main` is the entry point. Every mistake is one line on stderr and exit status 2.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from tapejit import explanation
from tapejit.argument import parse_argument
from tapejit.engine import DECORATED
from tapejit.highlight import coloured, console
from tapejit.report import report
from tapejit.runtime.disk_cache import SWITCH, DiskCache, disk_cache_from_environment
from tapejit.stage import STAGES, check_stage
from tapejit.target import TargetError, load_target


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tapejit", message="%(package)s %(version)s")
def cli() -> None:
    """Fast gradients of ordinary NumPy-style Python on a CPU."""


@cli.command()
@click.argument("target", metavar="FILE.py:FUNCTION | FILE.ir")
@click.option(
    "--arg",
    "specs",
    multiple=True,
    metavar="SPEC",
    help="An argument to call the function with: f64[3,4], i64[5], f32[], 0.5, or name=SPEC. Repeat it.",
)
@click.option(
    "--stage",
    "stages",
    multiple=True,
    metavar="STAGE",
    default=("ir",),
    show_default=True,
    help=f"One of {', '.join(STAGES)}. Repeat it for several.",
)
@click.option("--output", metavar="FILE", help="Write there instead of to standard output.")
def dump(target: str, specs: Sequence[str], stages: Sequence[str], output: str | None) -> None:
    """Print the stages that a function goes through.

    The function, decorated or plain, is called once with random arrays of the types that --arg states;
    the numbers are the same in every run. For an IR file the types stand in its text.

    \b
    tapejit dump model.py:loss --arg 'f64[1000]' --stage adjoint --stage source
    tapejit dump model.py:loss --arg 'f64[3,4]' --arg rate=0.1
    tapejit dump loss.ir --stage source
    """
    try:
        for stage in stages:
            check_stage(stage)
        arguments = [parse_argument(spec) for spec in specs]
        DECORATED.tier = "interpret"  # the call is there to be traced; llvm and asm compile all the same
        found = load_target(target, arguments)
        _write([(stage, found.text(stage)) for stage in stages], output)
    except (TargetError, ValueError, MemoryError) as error:
        raise click.ClickException(str(error)) from None


@cli.command()
@click.argument("target", metavar="FILE.py:FUNCTION")
@click.option(
    "--arg",
    "specs",
    multiple=True,
    metavar="SPEC [| SPEC ...]",
    help="What successive sets of calls pass in one place: 'f64[64,10] | f64[63,10]'. Repeat it.",
)
@click.option(
    "--calls",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="How often each set is called, with other numbers.",
)
def explain(target: str, specs: Sequence[str], calls: int) -> None:
    """Call a function several times, and print why its Python ran each time and which paths are known.

    The function, decorated or plain, is called with random arrays of the types that --arg states: floats
    from -2 to 2. The numbers are the same in every run.

    \b
    tapejit explain model.py:loss --arg 'f64[64,10] | f64[63,10]' --arg 'f64[10]'
    tapejit explain model.py:step --arg 'f64[3]' --arg 'rate=0.1 | 0.2' --calls 10
    """
    try:
        DECORATED.tier = "interpret"  # what is compiled does not matter here
        _write([("explain", explanation.explain(target, specs, calls))], None)
    except (TargetError, ValueError, MemoryError) as error:
        raise click.ClickException(str(error)) from None


@cli.command()
def info() -> None:
    """Print versions, processor and settings, and compile a small function to see that all is well."""
    for name, value in report():
        click.echo(f"{name:<12} {value}")


@cli.group()
def cache() -> None:
    """Compiled programs that are kept on disk for later processes."""


@cache.command("info")
def cache_info() -> None:
    """Print where the programs lie and how much room they take."""
    disk = _disk()
    if disk is None:
        click.echo(f"off ({SWITCH}=0)")
        return
    usage = disk.usage()
    click.echo(f"folder   {disk.folder}")
    click.echo(f"programs {usage.entries}, {usage.size / 2**20:.1f} of at most {disk.limit / 2**20:.0f} MB")


@cache.command("clear")
def cache_clear() -> None:
    """Remove all programs from disk."""
    disk = _disk()
    click.echo(f"removed {disk.clear() if disk else 0} programs")


def _disk() -> DiskCache | None:
    try:
        return disk_cache_from_environment()
    except ValueError as error:
        raise click.ClickException(str(error)) from None


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    try:
        status = cli.main(args, prog_name="tapejit", standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"tapejit: {error.format_message()}", err=True)
        status = 2
    except click.Abort:
        status = 130
    sys.exit(status if isinstance(status, int) else 0)


def _write(texts: Sequence[tuple[str, str]], output: str | None) -> None:
    """The texts, each under a heading if there are several; colours only in a terminal."""
    out = console()
    plain = output is not None or not out.is_terminal
    pieces = []
    for stage, text in texts:
        heading = f"{'' if stage == texts[0][0] else chr(10)}# {stage}\n" if len(texts) > 1 else ""
        pieces.append(heading + text)
        if not plain:
            out.print(heading, coloured(text, stage), sep="", end="")
    if output is not None:
        _save(Path(output), "".join(pieces))
    elif plain:
        click.echo("".join(pieces), nl=False)


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise TargetError(f"cannot write {path}: {error.strerror}") from None
