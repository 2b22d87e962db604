"""`mmfmeta to-mlflow FOLDER`: writes the project as a model that MLflow can serve and log."""

from __future__ import annotations

from pathlib import Path

import click

from .get_meta import load_project


@click.command("to-mlflow")
@click.argument("folder", type=click.Path(path_type=Path))
def to_mlflow(folder: Path) -> None:
    """Write main.py, its models and requirements.txt as a model of MLflow's into a new FOLDER.

    It answers as /invocations does.
    """
    from ..web.mlflow.pyfunc import save

    if folder.exists():
        raise click.ClickException(f"{folder} is there already; name another")
    if not Path("requirements.txt").is_file():
        raise click.ClickException("requirements.txt is not here: MLflow installs what it lists")
    save(load_project("main"), folder)
    click.echo(f"{folder}: written; mlflow models serve -m {folder}")
