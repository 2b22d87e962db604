"""MLflow's own package, which only the commands need."""

from __future__ import annotations

from typing import ClassVar

from ..packages import OptionalDependency


class MLflowPackage(OptionalDependency):
    """mlflow-skinny: the client without the server, which wants an older gunicorn."""

    requires: ClassVar = {"mlflow": "mlflow-skinny"}


MLFLOW = MLflowPackage()
