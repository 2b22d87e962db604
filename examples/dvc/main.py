"""Serve a model tracked by DVC: model.joblib.dvc is in git, model.joblib in DVC's remote."""

import mmf_core as mmf

model = mmf.artifact("model.joblib").load()


@mmf.target(
    returns=mmf.DataFrame(format=mmf.CSV),
    batch=True,
)
def score(data=mmf.DataFrame(schema=dict.fromkeys(model.feature_names_in_.tolist(), float))):
    """Predict the cultivar of each wine in a table."""
    return model.predict(data)
