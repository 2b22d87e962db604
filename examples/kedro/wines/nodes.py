"""The steps: plain functions, none of which knows where its tables come from."""

import pandas as pd
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler


def extract() -> pd.DataFrame:
    """Return the wines with their cultivar."""
    wines = load_wine(as_frame=True)
    return wines.data.assign(cultivar=wines.target_names[wines.target])


def split(wines: pd.DataFrame, test_size: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows to train on, and those to test with."""
    train, test = train_test_split(
        wines, test_size=test_size, random_state=0, stratify=wines["cultivar"]
    )
    return train, test


def fit(train: pd.DataFrame, regularization: float) -> Pipeline:
    """Return a fitted model."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=regularization))
    return model.fit(train.drop(columns="cultivar"), train["cultivar"])


def predict(model: Pipeline, data: pd.DataFrame) -> pd.DataFrame:
    """Return the cultivar of each wine, and the probability of each."""
    features = data[model.feature_names_in_]
    probabilities = pd.DataFrame(model.predict_proba(features), columns=model.classes_)
    return probabilities.assign(prediction=probabilities.idxmax(axis="columns"))


def evaluate(predictions: pd.DataFrame, test: pd.DataFrame) -> dict[str, float]:
    """Return the accuracy."""
    return {"accuracy": (predictions["prediction"] == test["cultivar"]).mean().item()}
