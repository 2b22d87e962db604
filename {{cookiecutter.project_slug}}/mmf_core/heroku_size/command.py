"""`mmfmeta size`: whether the project fits into a slug, and the service into a dyno's memory.

Limits as Heroku states them: 500 MB of slug, packed; 512 MB of memory for eco, basic, standard-1x.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

from ..processes import has_pss
from ..settings import MIB
from . import slug
from .slug import Size

LARGEST = 10
PER_WORKER = 256  # MiB: Heroku's Python buildpack sets WEB_CONCURRENCY by it
COUNT = click.IntRange(1)


@click.command()
@click.argument("module", default="main")
@click.option("--slug", "most", default=500, show_default=True, type=COUNT, help="MiB, packed.")
@click.option("--memory", default=512, show_default=True, type=COUNT, help="MiB of the dyno.")
@click.option("--workers", type=COUNT, help="Processes; else one for every 256 MiB, as on Heroku.")
def size(module: str, most: int, memory: int, workers: int | None) -> None:
    """Pack what is deployed, run MODULE's workers, and end with exit code 1 if either is too large.

    Every target is called once on its example; large requests take more memory than that.
    """
    requirements = Path("requirements.txt")
    if not requirements.is_file():
        raise click.ClickException(f"requirements.txt is not in {Path.cwd()}")
    packages = slug.of_packages(requirements)
    total = _show(packages, {"Python": slug.of_python(), "this folder": slug.of_project(Path())})
    bad = [*_compare("slug", total.packed, most, f"packed; unpacked {_mib(total.unpacked)} MiB")]
    workers = workers or max(1, memory // PER_WORKER)
    if has_pss():
        bad += _compare("memory", _measure(module, workers), memory, _workers(workers))
    else:
        click.echo("memory: not measured, which needs Linux")
    if bad:
        raise click.ClickException(f"too large: {' and '.join(bad)}")


def _show(packages: dict[str, Size], others: dict[str, Size]) -> Size:
    """Print a line for each of the largest packages and one for the rest; return the sum of all."""
    ordered = sorted(packages.items(), key=lambda one: one[1].packed, reverse=True)
    rest = ordered[LARGEST:]
    lines = dict(ordered[:LARGEST])
    if rest:
        lines[f"{len(rest)} more packages"] = sum((one for _, one in rest), Size())
    lines |= others
    click.echo(f"{'MiB':22}{'unpacked':>10}{'packed':>10}")
    for name, one in lines.items():
        click.echo(f"{name:22}{_mib(one.unpacked):>10}{_mib(one.packed):>10}")
    return sum(lines.values(), Size())


def _compare(what: str, taken: int, most: int, how: str) -> list[str]:
    click.echo(f"{what}: {_mib(taken)} of {most} MiB, {how}")
    return [what] if taken > most * MIB else []


def _measure(module: str, workers: int) -> int:
    """Run the service's processes in one of their own: this one has imported other things."""
    done = subprocess.run(
        [sys.executable, "-m", "mmf_core", "measure-memory", module, "--workers", str(workers)],
        # As gunicorn's master: what must not be loaded before the fork is loaded after it.
        env=os.environ | {"SERVER_SOFTWARE": "gunicorn/"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise click.ClickException(f"{module} cannot be run; its output is above")
    return int(done.stdout.split()[-1])


def _workers(count: int) -> str:
    return f"{count} worker{'s' if count > 1 else ''} that called each target once"


def _mib(size: int) -> str:
    return f"{size / MIB:.1f}"
