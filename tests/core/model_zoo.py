"""Six fitted scikit-learn models, each with valid rows."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_wine
from sklearn.ensemble import GradientBoostingClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

WINES = load_wine(as_frame=True)
CULTIVARS = WINES.target_names[WINES.target]
MEASURES = WINES.data.drop(columns="alcohol")
PEOPLE = pd.DataFrame(
    {"age": np.arange(60.0), "city": ["Oslo", "Rome", "Bonn"] * 20, "pay": np.linspace(1, 9, 60)}
)
REVIEWS = pd.DataFrame({"text": ["A good wine", "sour, Bad", "Fine and good", "Äußerst BAD"] * 15})


class Fitted(NamedTuple):
    """A model, and rows that it accepts."""

    model: Any
    rows: pd.DataFrame


def fitted() -> dict[str, Fitted]:
    """Fit the six kinds of models that every format is tried with."""
    pipeline = make_pipeline(
        make_column_transformer(
            (StandardScaler(), ["age", "pay"]),
            (OneHotEncoder(handle_unknown="ignore"), ["city"]),
        ),
        Ridge(),
    )
    words = make_pipeline(
        make_column_transformer((TfidfVectorizer(), "text")), LogisticRegression()
    )
    models = {
        "linear": (LinearRegression(), MEASURES, WINES.data.alcohol),
        "forest": (RandomForestRegressor(20, random_state=0), MEASURES, WINES.data.alcohol),
        "boosting": (GradientBoostingClassifier(n_estimators=10), WINES.data, CULTIVARS),
        "pipeline": (pipeline, PEOPLE, 2 * PEOPLE.age + (PEOPLE.city == "Rome")),
        "classifier": (
            make_pipeline(StandardScaler(), LogisticRegression()),
            WINES.data,
            CULTIVARS,
        ),
        "text": (words, REVIEWS, np.array(["yes", "no"])[np.arange(60) % 2]),
    }
    return {name: Fitted(model.fit(rows, y), rows) for name, (model, rows, y) in models.items()}
