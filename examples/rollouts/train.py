"""Fit two models for the same wines: python train.py."""

from pathlib import Path

from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mmf_core as mmf

wines = load_wine(as_frame=True)
cultivars = wines.target_names[wines.target]
in_use = make_pipeline(StandardScaler(), LogisticRegression()).fit(wines.data, cultivars)
candidate = RandomForestClassifier(20, random_state=0).fit(wines.data, cultivars)

Path("candidate").mkdir(exist_ok=True)
mmf.save_model(in_use, "model.joblib", example=wines.data)
mmf.save_model(candidate, "candidate/model.joblib", example=wines.data)
wines.data.sample(20, random_state=0).to_csv("wines.csv", index=False)
