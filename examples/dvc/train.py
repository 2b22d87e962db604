"""Train the model on data/wines.csv by params.yaml; write model.joblib and metrics.json."""

import json
from pathlib import Path

import pandas as pd
from dvc.api import params_show
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mmf_core as mmf

params = params_show()["logistic_regression"]
wines = pd.read_csv("data/wines.csv")
train, test = train_test_split(
    wines, test_size=params["test_size"], random_state=0, stratify=wines["target"]
)
model = make_pipeline(StandardScaler(), LogisticRegression(C=params["C"], max_iter=1000))
model.fit(train.drop(columns="target"), train["target"])

rows = test.drop(columns="target")
mmf.save_model(model, "model.joblib", example=rows)
metrics = {"accuracy": model.score(rows, test["target"]), "rows": len(wines)}
Path("metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
