"""One target over the forest as ONNX."""

import mmf_core as mmf

model = mmf.artifact("forest.onnx").load()
WINES = mmf.DataFrame(schema=dict.fromkeys(model.feature_names_in_.tolist(), float))


@mmf.target(returns=mmf.DataFrame(format=mmf.JSON), batch=True)
def forest_onnx(data=WINES):
    """Predict the quality of each wine by a hundred trees."""
    return model.predict(data)
