"""Train the sample model on scikit-learn's wine data and save it: python train.py.

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
    """Train, save, and print the accuracy on held-out wines."""
    wines = load_wine(as_frame=True)
    cultivars = wines.target_names[wines.target]
    train, test, train_labels, test_labels = train_test_split(
        wines.data, cultivars, test_size=0.25, random_state=0, stratify=cultivars
    )
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(train, train_labels)
    # Checks that the saved model predicts the same, and keeps a profile of what it was trained on.
    mmf.save_model(model, MODEL, example=test, reference=train)
    accuracy = model.score(test, test_labels)
    print(f"{MODEL}: accuracy on {len(test)} held-out wines: {accuracy:.1%}")


if __name__ == "__main__":
    main()
