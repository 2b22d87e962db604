"""Ask the service from another Kedro project, by its api.APIDataset: `python ask.py [URL]`."""

import json
import sys

import pandas as pd
from kedro_datasets.api import APIDataset

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
wines = pd.read_csv("data/test.csv").drop(columns="cultivar").head(3)
service = APIDataset(
    url=f"{url}/predict",
    method="POST",
    save_args={"headers": {"Accept": "application/json"}},
    response_dataset={"type": "kedro.io.MemoryDataset"},
)
# As text: a list of more than chunk_size rows (100) is sent in parts, of which the last is kept.
service.save(wines.to_json(orient="records"))
response = service.get_last_response()
report = {
    "predict_date": response.headers["Date"],
    "row_index": wines.index.tolist(),
    "predict": [row["prediction"] for row in response.json()],
}
print(json.dumps(report))
