"""Train on scikit-learn's wines, and push the model: python flow.py run --C 0.5."""

import subprocess
import sys

from metaflow import FlowSpec, Parameter, step
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mmf_core as mmf


class WineFlow(FlowSpec):
    """What a step assigns to `self` is kept by Metaflow: data, model, accuracy."""

    C = Parameter("C", default=1.0, help="smaller: smoother")
    store = Parameter("store", default="", help="where mmfmeta pushes the model: s3://bucket/wine")

    @step
    def start(self) -> None:
        """Load the wines, and hold some out."""
        wines = load_wine(as_frame=True)
        labels = wines.target_names[wines.target]
        self.train_rows, self.test_rows, self.train_labels, self.test_labels = train_test_split(
            wines.data, labels, test_size=0.25, random_state=0, stratify=labels
        )
        self.next(self.fit)

    @step
    def fit(self) -> None:
        """Fit the model."""
        self.model = make_pipeline(StandardScaler(), LogisticRegression(C=self.C))
        self.model.fit(self.train_rows, self.train_labels)
        self.next(self.end)

    @step
    def end(self) -> None:
        """Score the model, save it, with a check that it predicts the same, and push it."""
        self.accuracy = self.model.score(self.test_rows, self.test_labels)
        mmf.save_model(self.model, "model.joblib", example=self.test_rows)
        if self.store:
            push = [sys.executable, "-m", "mmf_core", "push", "model.joblib", "--to", self.store]
            subprocess.run(push, check=True)
        print(f"accuracy on {len(self.test_rows)} held-out wines: {self.accuracy:.1%}")


if __name__ == "__main__":
    WineFlow()
