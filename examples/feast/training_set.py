"""Write training.csv: the label of each wine, with its features as they were at that time."""

import pandas as pd
from feast import FeatureStore

store = FeatureStore("feature_repo")
labels = pd.read_parquet("feature_repo/data/labels.parquet")
features = store.get_feature_service("cultivar")
store.get_historical_features(labels, features).to_df().to_csv("training.csv", index=False)
