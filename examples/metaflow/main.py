"""Serve what the last successful run of the flow has left as `self.model`."""

import mmf_core as mmf

model = mmf.artifact("metaflow://WineFlow/latest_successful/model").load()


@mmf.target(returns=mmf.DataFrame(format=mmf.JSON), batch=True)
def score(data=mmf.DataFrame(schema=dict.fromkeys(model.feature_names_in_.tolist(), float))):
    """Predict the cultivar of each wine in a table."""
    return model.predict(data)
