"""The targets of the generated project that is measured."""

import os

import mmf_core as mmf

BATCHING = os.environ.get("BENCH_BATCHING") != "0"

elastic_net = mmf.fast_path(mmf.artifact("elasticnet.joblib").load())
trees = mmf.fast_path(mmf.artifact("forest.joblib").load())

WINES = mmf.DataFrame(schema=dict.fromkeys(elastic_net.feature_names_in_.tolist(), float))


@mmf.target(returns=mmf.DataFrame(format=mmf.JSON), batch=BATCHING)
def elasticnet(data=WINES):
    """Predict the quality of each wine by a linear model."""
    return elastic_net.predict(data)


@mmf.target(returns=mmf.DataFrame(format=mmf.JSON), batch=BATCHING)
def forest(data=WINES):
    """Predict the quality of each wine by a hundred trees."""
    return trees.predict(data)


@mmf.target(returns=mmf.DataFrame(format=mmf.XLSX))
def scored(data=WINES):
    """Return the whole table with an additional column."""
    return data.assign(prediction=elastic_net.predict(data))
