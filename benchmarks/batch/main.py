"""The target of `make bench-batch`."""

import os

import mmf_core as mmf

model = mmf.artifact(os.environ["MODEL"]).load()


@mmf.target(returns=mmf.DataFrame())
def score(data=mmf.DataFrame()):
    """Predict each row."""
    return model.predict(data)
