"""`mmfmeta to-mlflow [FOLDER]`: writes the project as a model that MLflow can serve, or logs it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ..cli.get_meta import load_project
from ..errors import MMFError
from ..stores.mlflow_retries import limited_retries

URI = "MLFLOW_TRACKING_URI"


@click.command("to-mlflow")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--register", "name", default="", help="Register it in MLflow's registry as TEXT.")
def to_mlflow(folder: Path | None, name: str) -> None:
    """Write main.py, its models and requirements.txt as an MLflow model into a new FOLDER.

    Without FOLDER, log it to the server at MLFLOW_TRACKING_URI, as the model of a new run. The
    model returns what /invocations returns.
    """
    if folder and name:
        raise click.ClickException("--register needs a tracking server: leave out FOLDER")
    if folder and folder.exists():
        raise click.ClickException(f"{folder} already exists; name a new folder")
    if not folder and not os.environ.get(URI):
        raise click.ClickException(f"name a folder, or set {URI} to the tracking server's address")
    if not Path("requirements.txt").is_file():
        raise click.ClickException("requirements.txt is missing: MLflow installs what it lists")
    if not folder:
        _log(name)
        return
    from .saving import save

    save(load_project("main"), folder)
    click.echo(f"Wrote {folder}. Serve it: mlflow models serve -m {folder}")


def _log(name: str) -> None:
    from .saving import log

    registry = load_project("main")
    try:
        with limited_retries():
            info = log(registry, name)
    except MMFError:
        raise
    except Exception as error:  # of MLflow, requests, and the store of its artifacts
        reason = str(error).strip().partition("\n")[0]
        raise click.ClickException(f"cannot log to {os.environ[URI]}: {reason}") from error
    uri = (
        f"models:/{name}/{info.registered_model_version}" if name else f"runs:/{info.run_id}/model"
    )
    click.echo(f"Logged run {info.run_id}. Serve it: mlflow models serve -m {uri}")
