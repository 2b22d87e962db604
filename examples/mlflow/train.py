"""Train an elastic net, register it as ElasticNetWineModel and move it to stage Production.

`python train.py [wine-quality.csv]`; without the file, on synthetic wines.
MLFLOW_TRACKING_URI is the address of MLflow's server.
"""

import sys

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.linear_model import ElasticNet

NAME = "ElasticNetWineModel"
# Smallest and largest of each measurement.
COLUMNS = {
    "fixed acidity": (3.8, 14.2),
    "volatile acidity": (0.08, 1.1),
    "citric acid": (0.0, 1.66),
    "residual sugar": (0.6, 65.8),
    "chlorides": (0.009, 0.346),
    "free sulfur dioxide": (2.0, 289.0),
    "total sulfur dioxide": (9.0, 440.0),
    "density": (0.98, 1.04),
    "pH": (2.72, 3.82),
    "sulphates": (0.22, 1.08),
    "alcohol": (8.0, 14.2),
}


def synthetic() -> pd.DataFrame:
    """Return synthetic wines, the same each time."""
    random = np.random.default_rng(0)
    table = pd.DataFrame({name: random.uniform(*ends, 500) for name, ends in COLUMNS.items()})
    return table.assign(quality=0.5 * table["alcohol"] - 2 * table["volatile acidity"] + 1)


def main() -> None:
    """Train, log, register; the version is in stage Production and has the alias champion."""
    wines = pd.read_csv(sys.argv[1]) if len(sys.argv) > 1 else synthetic()
    data = wines[list(COLUMNS)].astype(float)
    model = ElasticNet(alpha=0.01, l1_ratio=0.5, random_state=0).fit(data, wines["quality"])
    mlflow.set_experiment("wines")
    with mlflow.start_run():
        mlflow.log_params({"alpha": 0.01, "l1_ratio": 0.5})
        mlflow.log_metric("r2", model.score(data, wines["quality"]))
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            signature=infer_signature(data, model.predict(data)),
            registered_model_name=NAME,
            # Known: to infer them, MLflow would load the model once more.
            pip_requirements=mlflow.sklearn.get_default_pip_requirements(include_skops=True),
        )
    client, version = mlflow.MlflowClient(), logged.registered_model_version
    client.set_registered_model_alias(NAME, "champion", version)
    client.transition_model_version_stage(NAME, version, "Production")
    print(f"models:/{NAME}/Production is version {version}")


if __name__ == "__main__":
    main()
