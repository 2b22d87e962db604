"""Serve the model in stage Production; MLFLOW_TRACKING_URI is the address of MLflow's server."""

import mmf_core as mmf

registered = mmf.artifact("models:/ElasticNetWineModel/Production")
model = registered.load()


@mmf.target(returns=mmf.DataFrame(), default=True)
def predict(wines=mmf.DataFrame(schema=mmf.schema_of(registered.path))):
    """Predict the quality of each wine in a table."""
    return model.predict(wines)
