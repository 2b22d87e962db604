"""MLflow: its scoring protocol, and the commands that exchange models with it."""

from ..capabilities import Capability
from .from_mlflow import from_mlflow
from .routes import PROTOCOL
from .settings import MLflowSettings
from .to_mlflow import to_mlflow

CAPABILITY = Capability(
    requires=("models/mlflow", "stores/mlflow"),
    settings=MLflowSettings,
    protocol=PROTOCOL,
    commands=(from_mlflow, to_mlflow),
)
