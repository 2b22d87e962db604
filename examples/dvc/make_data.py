"""Write data/wines.csv, scikit-learn's 178 wines, the data that DVC tracks."""

from pathlib import Path

from sklearn.datasets import load_wine

Path("data").mkdir(exist_ok=True)
load_wine(as_frame=True).frame.to_csv("data/wines.csv", index=False)
