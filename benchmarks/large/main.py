"""One target over a model of 300 MB, loaded once before the workers are forked."""

import joblib

import mmf_core as mmf


@mmf.artifact("large.joblib")
def model():
    """Load it."""
    return joblib.load("large.joblib")


@mmf.target(returns=mmf.DataFrame(format=mmf.JSON))
def large(data=mmf.DataFrame()):
    """Predict the quality of a wine from the nearest of many."""
    return model.predict(data)
