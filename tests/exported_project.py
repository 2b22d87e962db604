"""A project with a model that can be exported: a scaler and a logistic regression for wines."""

from pathlib import Path

import joblib
import pytest
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from working_project import make_current

MAIN = """
import mmf_core as mmf

model = mmf.artifact("model.joblib").load()
WINES = mmf.DataFrame(schema=dict.fromkeys(model.feature_names_in_.tolist(), float))


@mmf.target(returns=mmf.DataFrame(), default=True)
def score(data=WINES):
    \"\"\"Predict </script><b>the</b> cultivar.\"\"\"
    return model.predict(data)


@mmf.target(returns=mmf.DataFrame())
def probabilities(data=WINES):
    return model.predict_proba(data)


@mmf.target(returns=mmf.DataFrame())
def more(data=WINES):
    return model.predict_proba(data) * 2
"""


def make_exportable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the project in a folder, which becomes the current one."""
    wines = load_wine(as_frame=True)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(wines.data, wines.target_names[wines.target])
    joblib.dump(model, folder / "model.joblib")
    return make_current(folder, MAIN, monkeypatch)
