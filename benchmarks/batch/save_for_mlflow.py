"""Write a model as MLflow's folder: python save_for_mlflow.py MODEL FOLDER."""

import sys

import joblib
import mlflow.sklearn

mlflow.sklearn.save_model(
    joblib.load(sys.argv[1]), sys.argv[2], skops_trusted_types=["sklearn.tree._tree.Tree"]
)
