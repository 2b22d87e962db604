"""Fit the model on training.csv, which training_set.py has written, and save it."""

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mmf_core as mmf

FEATURES = ["alcohol", "flavanoids", "proline"]

training = pd.read_csv("training.csv")
model = make_pipeline(StandardScaler(), LogisticRegression())
model.fit(training[FEATURES], training["cultivar"])
mmf.save_model(model, "model.joblib", example=training[FEATURES])
