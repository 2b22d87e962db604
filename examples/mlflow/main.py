"""Serves the model that is in production; MLFLOW_TRACKING_URI says where MLflow's server is."""

import mmf_core as mmf

registered = mmf.artifact("models:/ElasticNetWineModel/Production")
model = registered.load()


@mmf.target(returns=mmf.DataFrame(), default=True)
def predict(wines=mmf.DataFrame(schema=mmf.schema_of(registered.path))):
    """Tell the quality of each wine in a table."""
    return model.predict(wines)
