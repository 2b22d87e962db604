"""`mmfmeta size`: whether the project fits a Heroku slug, and the service a dyno's memory.

Heroku's limits: 500 MB for a compressed slug; 512 MB of memory for eco, basic and standard-1x.
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

LISTED = 10  # packages
MIB_PER_WORKER = 256  # Heroku's Python buildpack derives WEB_CONCURRENCY from it
COUNT = click.IntRange(1)


@click.command()
@click.argument("module", default="main")
@click.option(
    "--slug", "slug_limit", default=500, show_default=True, type=COUNT, help="MiB, compressed."
)
@click.option(
    "--memory", "memory_limit", default=512, show_default=True, type=COUNT, help="MiB of the dyno."
)
@click.option(
    "--workers", type=COUNT, help="Number of processes; default: one per 256 MiB, as on Heroku."
)
def size(module: str, slug_limit: int, memory_limit: int, workers: int | None) -> None:
    """Compress what is deployed, run MODULE's workers; exit with 1 if either is too large.

    Every target is called once on its example; large requests take more memory than that.
    """
    requirements = Path("requirements.txt")
    if not requirements.is_file():
        raise click.ClickException(f"requirements.txt is not in {Path.cwd()}")
    packages = slug.of_packages(requirements)
    others = {"Python": slug.of_python(), "this folder": slug.of_project(Path())}
    needs_java = slug.needs_java(Path())
    if needs_java and (java := slug.of_java()):
        others["Java"] = java
    total = _print_table(packages, others)
    if needs_java and "Java" not in others:
        click.echo("Java: not measured (app.json names its buildpack, and PATH has no java)")
    details = f"compressed; uncompressed {_mib(total.uncompressed)} MiB"
    too_large = _compare("slug", total.compressed, slug_limit, details)
    workers = workers or max(1, memory_limit // MIB_PER_WORKER)
    if has_pss():
        details = f"{workers} worker{'s' if workers > 1 else ''} that called each target once"
        too_large += _compare("memory", _memory(module, workers), memory_limit, details)
    else:
        click.echo("memory: not measured (only possible on Linux)")
    if too_large:
        raise click.ClickException(f"too large: {' and '.join(too_large)}")


def _print_table(packages: dict[str, Size], others: dict[str, Size]) -> Size:
    """Print the largest packages, the rest in one line, and the others; return the total."""
    by_size = sorted(packages.items(), key=lambda item: item[1].compressed, reverse=True)
    lines, rest = dict(by_size[:LISTED]), by_size[LISTED:]
    if rest:
        lines[f"{len(rest)} more packages"] = sum((package for _, package in rest), Size())
    lines |= others
    click.echo(f"{'MiB':22}{'uncompressed':>14}{'compressed':>12}")
    for name, part in lines.items():
        click.echo(f"{name:22}{_mib(part.uncompressed):>14}{_mib(part.compressed):>12}")
    return sum(lines.values(), Size())


def _compare(name: str, actual: int, limit: int, details: str) -> list[str]:
    """Print a comparison; return the name if the limit is exceeded."""
    click.echo(f"{name}: {_mib(actual)} of {limit} MiB, {details}")
    return [name] if actual > limit * MIB else []


def _memory(module: str, workers: int) -> int:
    """Return the bytes of a service's processes, started by a process of its own.

    This process has imported other things than a service does.
    """
    done = subprocess.run(
        [sys.executable, "-m", "mmf_core", "measure-memory", module, "--workers", str(workers)],
        # As gunicorn's master: what must not be loaded before the fork is loaded after it.
        env=os.environ | {"SERVER_SOFTWARE": "gunicorn/"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise click.ClickException(f"running {module} failed; see its output above")
    return int(done.stdout.split()[-1])


def _mib(size: int) -> str:
    return f"{size / MIB:.1f}"
