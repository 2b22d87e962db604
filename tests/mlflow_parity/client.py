"""Calls a service by MLflow's own client: `client.py PORT`, run where the full mlflow is."""

import sys

import pandas as pd
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

client = ScoringServerClient("127.0.0.1", int(sys.argv[1]))
client.wait_server_ready()
table = pd.DataFrame({"a": [1, 3], "b": [2.0, None]})
print(client.get_version())
print(client.invoke(table).get_predictions().to_dict("records"))
print(client.invoke(table, params={"times": 5})["predictions"])
print(client.invoke([{"a": 1, "b": 2.0}])["predictions"])
try:
    client.invoke(table[["b"]])
except Exception as error:  # noqa: BLE001 - it raises a bare Exception
    print(error)
