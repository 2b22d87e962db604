"""MLflow: its scoring protocol, and the commands that exchange models with it."""

from collections.abc import Iterator
from importlib.util import find_spec

from click import Command

from ..capabilities import Capability
from ..web.authorization import PREDICT
from .routes import PROTOCOL
from .settings import MLflowSettings


def commands() -> Iterator[Command]:
    """Yield the commands; each needs a part of the core that may have been deleted."""
    if find_spec("..models.mlflow_signature", __package__):
        from .from_mlflow import from_mlflow

        yield from_mlflow
    if find_spec("..stores.mlflow_retries", __package__):
        from .to_mlflow import to_mlflow

        yield to_mlflow


CAPABILITY = Capability(
    requires=("models/mlflow", "stores/mlflow"),
    settings=MLflowSettings,
    protocol=PROTOCOL,
    groups={"mlflow": PREDICT},
    commands=tuple(commands()),
)
