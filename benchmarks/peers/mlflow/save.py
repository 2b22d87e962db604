"""Saves joblib models as MLflow model folders.

`save.py FOLDER NAME…`
"""

import logging
import shutil
import sys
from pathlib import Path

import joblib
import mlflow.sklearn


def main() -> None:
    """Write FOLDER/mlflow-NAME for each FOLDER/NAME.joblib."""
    logging.getLogger("mlflow").setLevel(logging.ERROR)  # it would warn of pickles
    folder = Path(sys.argv[1])
    for name in sys.argv[2:]:
        target = folder / f"mlflow-{name}"
        shutil.rmtree(target, ignore_errors=True)
        model = joblib.load(folder / f"{name}.joblib")
        mlflow.sklearn.save_model(model, target, serialization_format="cloudpickle")


if __name__ == "__main__":
    main()
