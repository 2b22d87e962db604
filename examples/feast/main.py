"""The caller sends ids; the features come from Feast's online store."""

import json
import os
from http.client import HTTPException
from urllib.request import Request, urlopen

import pandas as pd

import mmf_core as mmf

FEAST = os.environ.get("FEAST_URL", "http://127.0.0.1:6566")
# No connection, a time limit, a status of 4xx or 5xx; a response that is broken off or not JSON.
FAILURES = (OSError, HTTPException, ValueError)

model = mmf.artifact("model.joblib").load()


def online_features(ids):
    """Return the features of each id as Feast has them now; null where it has none."""
    query = {"feature_service": "cultivar", "entities": {"wine_id": ids.tolist()}}
    headers = {"Content-Type": "application/json"}
    request = Request(f"{FEAST}/get-online-features", json.dumps(query).encode(), headers)
    try:
        with urlopen(request, timeout=5) as response:
            table = json.load(response)
    except FAILURES as error:
        raise mmf.Unavailable("Feast does not return features", retry_after=5) from error
    columns = [column["values"] for column in table["results"]]
    return pd.DataFrame(dict(zip(table["metadata"]["feature_names"], columns, strict=True)))


@mmf.target(returns=mmf.DataFrame(format=mmf.JSON))
def score(wines=mmf.DataFrame(schema={"wine_id": int}, example=[{"wine_id": 17}])):
    """Predict the cultivar of each wine, by its id."""
    features = online_features(wines["wine_id"])[model.feature_names_in_]
    unknown = features.isna().any(axis=1).to_numpy().nonzero()[0].tolist()
    if unknown:
        message = "expected the id of a wine that has features"
        errors = [mmf.ErrorDetail(message, "wines", row, "wine_id") for row in unknown]
        raise mmf.InvalidValue("some wines have no features", errors)
    return model.predict(features)
