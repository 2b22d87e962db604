"""Fits the sample model on scikit-learn's wine data and saves it: python train.py.

178 wines of three cultivars, thirteen measurements each (UCI, doi.org/10.24432/C5PC7J).
"""

from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mmf_core as mmf

MODEL = "{{ cookiecutter.__model_file }}"


def main() -> None:
    """Fit, save, say how good the model is on wines it has not seen."""
    wines = load_wine(as_frame=True)
    cultivars = wines.target_names[wines.target]
    seen, unseen, answers, expected = train_test_split(
        wines.data, cultivars, test_size=0.25, random_state=0, stratify=cultivars
    )
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(seen, answers)
    mmf.save_model(model, MODEL, example=unseen)  # only if it answers the same from there
    print(
        f"{MODEL}: {model.score(unseen, expected):.1%} of {len(unseen)} unseen wines are told right"
    )


if __name__ == "__main__":
    main()
