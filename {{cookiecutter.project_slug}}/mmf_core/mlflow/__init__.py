"""MLflow's scoring protocol: `POST /invocations`, as `mlflow models serve` answers it."""

from .routes import PROTOCOL as PROTOCOL
