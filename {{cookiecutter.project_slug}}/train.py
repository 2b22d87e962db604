"""Train the sample model on scikit-learn's wine data and save it: python train.py.

178 wines of three cultivars, thirteen measurements each (UCI, doi.org/10.24432/C5PC7J).
"""

import pandas as pd
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mmf_core as mmf

MODEL = "{{ cookiecutter.__model_file }}"


def read_wines() -> pd.DataFrame:
    """Return the measurements and the cultivar of each wine."""
    wines = load_wine(as_frame=True)
    return wines.data.assign(cultivar=wines.target_names[wines.target])


def fit(wines: pd.DataFrame) -> mmf.TrainedModel:
    """Fit a model, and measure its accuracy on held-out wines."""
    measurements, cultivars = wines.drop(columns="cultivar"), wines["cultivar"]
    train, test, train_labels, test_labels = train_test_split(
        measurements, cultivars, test_size=0.25, random_state=0, stratify=cultivars
    )
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(train, train_labels)
    accuracy = {"accuracy": model.score(test, test_labels)}
    note = f"{len(test)} held-out wines"
    return mmf.TrainedModel(model, example=test, metrics=accuracy, note=note, reference=train)


def main() -> None:
    """Train, save, and print the accuracy."""
    trained = fit(read_wines())
    # Checks that the saved model predicts the same, and keeps a profile of what it was trained on.
    mmf.save_model(trained.model, MODEL, example=trained.example, reference=trained.reference)
    print(f"{MODEL}: accuracy on {trained.note}: {trained.metrics['accuracy']:.1%}")


if __name__ == "__main__":
    main()
