"""Memory of 1, 2 and 4 workers that serve a model of 300 MB.

python benchmarks/memory.py --peers ours,flask,fastapi,litserve,bentoml,mlserver
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal

import environments
import figures
import report
from paths import BUILD, MODELS
from run import stop
from servers import BY_NAME, Server

from server import running

NAME = "large"
WORKERS = (1, 2, 4)
# Enough that every worker has predicted.
REQUESTS = 40
MAKE = """
import sys
import joblib, numpy, pandas
from sklearn.neighbors import KNeighborsRegressor
columns = joblib.load(sys.argv[1]).feature_names_in_
random = numpy.random.default_rng(0)
values = random.random((300_000_000 // 8 // len(columns), len(columns)))
wines = pandas.DataFrame(values, columns=columns)
model = KNeighborsRegressor(n_neighbors=1, algorithm="brute")
joblib.dump(model.fit(wines, random.random(len(wines))), sys.argv[2])
"""


def model() -> None:
    """Create the model, unless it exists, and put it into the project."""
    file, linked = MODELS / f"{NAME}.joblib", BUILD / "ours" / f"{NAME}.joblib"
    if not file.is_file():
        print("== making a model of 300 MB", flush=True)
        environments.python("ours", "-c", MAKE, str(MODELS / "elasticnet.joblib"), str(file))
    linked.unlink(missing_ok=True)
    try:
        os.link(file, linked)
    except OSError:
        shutil.copy(file, linked)


def measure(server: Server, workers: int) -> int:
    """Serve, call every worker, and return the bytes of all."""
    rows = environments.rows_and_answers()["rows"]
    with running(server, NAME, workers, rows) as service:
        for number in range(REQUESTS):
            service.call(rows[number : number + 1])
        return service.memory()


def main() -> None:
    """Measure, print, save."""
    signal.signal(signal.SIGTERM, stop)
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peers", default="ours,fastapi")
    names = parser.parse_args().peers.split(",")
    servers = [BY_NAME[name] for name in names]
    environments.prepare({server.environment for server in servers})
    model()
    sizes: dict[str, dict[str, int]] = {}
    for server in servers:
        sizes[server.name] = {str(count): measure(server, count) for count in WORKERS}
        line = " · ".join(
            f"{count}: {size / 2**20:,.0f} MiB" for count, size in sizes[server.name].items()
        )
        print(f"{server.name}  {line}", flush=True)
    figures.save("memory", sizes)
    report.write()


if __name__ == "__main__":
    main()
