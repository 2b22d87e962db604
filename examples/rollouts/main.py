"""The cultivar of a wine, by the model in use or by a candidate beside it."""

import mmf_core as mmf

model = mmf.artifact("model.joblib").load()


@mmf.target(returns=mmf.DataFrame(format=mmf.JSON))
def score(data=mmf.DataFrame(schema=model)):
    """Predict the cultivar of each wine in a table."""
    return model.predict(data)
