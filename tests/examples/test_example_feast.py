"""examples/feast: a training set in point of time, and the same features online for ids."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from statistics import median
from urllib.parse import urlsplit

import joblib
import pandas as pd
import pytest
import requests
import yaml
from pandas.testing import assert_frame_equal
from sklearn.dummy import DummyClassifier

from baking import PAYLOAD, ROOT, make_project
from commands import LONGEST_COMMAND, free_port, stop, wait_until_ready
from postgres import postgres, programs
from services import serve
from test_readme import blocks

EXAMPLE = ROOT / "examples" / "feast"
README = EXAMPLE / "README.md"
FEATURES = ["alcohol", "flavanoids", "proline"]
WINES = 178
CALLS = 50
# What training would get today, for every wine.
HISTORICAL = f"""
import pandas as pd
from feast import FeatureStore

store = FeatureStore("feature_repo")
wines = pd.DataFrame({{"wine_id": range({WINES})}}).assign(event_timestamp=pd.Timestamp.now("UTC"))
features = store.get_feature_service("cultivar")
store.get_historical_features(wines, features).to_df().to_csv("historical.csv", index=False)
"""
ONLINE = f"""
import pandas as pd

import main

main.online_features(pd.Series(range({WINES}))).to_csv("online.csv", index=False)
"""
BROKEN = {
    "broken off": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{",
    "not JSON": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
    "not text": b'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{"\xff',
    "not HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "nothing": b"",
}
CALL = """
import main
from app import app

for number in range(COUNT):
    main.FEAST = f"ADDRESS/{number}"
    response = app.test_client().post("/score", json=[{"wine_id": 17}])
    print(response.status_code, response.headers.get("Retry-After"))
"""


class BrokenFeast(StreamRequestHandler):
    """Sends one of the broken responses, by the number that a path begins with."""

    def handle(self) -> None:
        number = int(self.rfile.readline().split()[1].split(b"/")[1])
        size = 0
        while (line := self.rfile.readline().strip()) != b"":
            name, _, text = line.partition(b":")
            size = int(text) if name.lower() == b"content-length" else size
        self.rfile.read(size)
        self.wfile.write([*BROKEN.values()][number])


def test_broken_response_of_feast_is_a_503(tmp_path: Path) -> None:
    for source in (EXAMPLE / "main.py", PAYLOAD / "app.py"):
        shutil.copy(source, tmp_path)
    joblib.dump(DummyClassifier(), tmp_path / "model.joblib")
    with ThreadingTCPServer(("127.0.0.1", 0), BrokenFeast) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                CALL.replace("COUNT", str(len(BROKEN))).replace("ADDRESS", address),
            ],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(PAYLOAD), "FEAST_URL": f"{address}/0"},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=LONGEST_COMMAND,
        )
        server.shutdown()
    statuses = [line for line in done.stdout.splitlines() if line[:1].isdigit()]
    assert dict(zip(BROKEN, statuses, strict=True)) == dict.fromkeys(BROKEN, "503 5")


@contextmanager
def feast_serve(folder: Path, command: str, port: int) -> Iterator[None]:
    """Run the README's last command until the block ends, on another port."""
    with (folder / "feast.log").open("ab") as log:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command.replace('6566', str(port))}"],
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_until_ready(process, f"http://127.0.0.1:{port}/health")
        yield
    finally:
        stop(process)
        print((folder / "feast.log").read_text())


def read(file: Path) -> pd.DataFrame:
    """Return the features of all wines, by their ids."""
    return pd.read_csv(file).set_index("wine_id").sort_index()[FEATURES]


def run(folder: Path, *lines: str) -> None:
    """Run lines of the README, or others, in Feast's environment."""
    environment, _, _ = feast_commands()
    script = "\n".join([environment, *lines])
    subprocess.run(["bash", "-euc", script], cwd=folder, check=True, timeout=LONGEST_COMMAND)


def feast_commands() -> tuple[str, list[str], str]:
    """Return the README's first block: its environment, its commands, and what serves."""
    first, *_ = blocks(README, "bash")
    lines = [line.partition("  #")[0] for line in first.text.strip().splitlines()]
    _, environment, *commands, last = lines
    return environment, commands, last


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory, example_environment: Callable[[str], Path]
) -> Path:
    """Give a project after the README's first block, with a model trained on the training set."""
    environment = example_environment("feast").parent
    folder = make_project(tmp_path_factory.mktemp("feast") / "output", {})
    subprocess.run(["cp", "-r", f"{EXAMPLE}/.", folder], check=True)
    (folder.parent / "feast").symlink_to(environment)
    _, commands, _ = feast_commands()
    run(folder, *commands, f"python - <<'END'\n{HISTORICAL}\nEND")
    _, service_commands, _ = blocks(README, "bash")
    assert ".venv/bin/python train.py" in service_commands.text
    subprocess.run([sys.executable, "train.py"], cwd=folder, check=True, timeout=LONGEST_COMMAND)
    return folder


@contextmanager
def postgres_online(folder: Path) -> Iterator[None]:
    """Have the online store in PostgreSQL, by the README's lines, until the block ends."""
    if not programs():
        pytest.skip("the programs of PostgreSQL are not installed")
    (lines,) = blocks(README, "yaml")
    configuration = folder / "feature_repo" / "feature_store.yaml"
    with postgres() as uri, pytest.MonkeyPatch.context() as patch:
        server = urlsplit(uri)
        here = {"host": server.hostname, "port": server.port, "sslmode": "disable"}
        here |= {"user": server.username, "database": server.path[1:]}
        store = yaml.safe_load(lines.text)["online_store"] | here
        document = yaml.safe_load(configuration.read_text()) | {"online_store": store}
        configuration.write_text(yaml.safe_dump(document))
        patch.setenv("FEAST_PASSWORD", str(server.password))
        # The registry knows what has been brought to the other store.
        (folder / "feature_repo" / "data" / "registry.db").unlink()
        run(folder, *(line for line in feast_commands()[1] if line.startswith("feast ")))
        yield


@pytest.mark.long
def test_training_gets_the_features_of_its_time(folder: Path) -> None:
    """Each label has the features of its time, though later ones were there already."""
    earlier, later = measured(folder)
    assert (earlier["alcohol"] != later["alcohol"]).all()
    assert_frame_equal(read(folder / "training.csv"), earlier, check_exact=True)
    assert_frame_equal(read(folder / "historical.csv"), later, check_exact=True)


def measured(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the features of all wines as first measured, and as measured again."""
    table = pd.read_parquet(folder / "feature_repo" / "data" / "measurements.parquet")
    earlier, later = (
        part.set_index("wine_id")[FEATURES] for _, part in table.groupby("measured_at")
    )
    return earlier, later


@pytest.mark.long
@pytest.mark.parametrize("store", ["SQLite", "PostgreSQL"])
def test_ids_get_the_features_that_training_would_get(
    folder: Path, store: str, figure: Callable[[str, float, str], None]
) -> None:
    _, later = measured(folder)
    model = joblib.load(folder / "model.joblib")
    app, port = (folder / "app.py").read_text(), free_port()
    environment, _, last = feast_commands()
    *_, call = (block.text for block in blocks(README, "bash"))
    with ExitStack() as stack:
        if store == "PostgreSQL":
            stack.enter_context(postgres_online(folder))
        log = stack.enter_context((folder / "service.log").open("wb"))
        feast = f"http://127.0.0.1:{port}"
        service = stack.enter_context(serve("gunicorn", folder, log, app, FEAST_URL=feast))

        def score(*ids: int) -> requests.Response:
            rows = [{"wine_id": wine_id} for wine_id in ids]
            return requests.post(f"{service.url}/score", json=rows, timeout=30)

        with feast_serve(folder, f"env {environment.removeprefix('export ')} {last}", port):
            subprocess.run(
                [sys.executable, "-c", ONLINE], cwd=folder, env={"FEAST_URL": feast}, check=True
            )
            assert_frame_equal(read(folder / "online.csv"), later, check_exact=True)
            expected = [{"prediction": label} for label in model.predict(later)]
            assert score(*range(WINES)).json() == expected
            assert "POST" not in call
            assert '[{"wine_id": 17}, {"wine_id": 170}]' in call

            response = score(17, 1000, 170)
            assert response.status_code == 422
            (error,) = response.json()["errors"]
            assert (error["row"], error["column"]) == (1, "wine_id")

            seconds = []
            for _ in range(CALLS):
                began = time.monotonic()
                assert score(17).status_code == 200
                seconds.append(time.monotonic() - began)
            figure(
                f"a call with one id, Feast's part included, {store}", 1000 * median(seconds), "ms"
            )

        down = score(17)
        assert (down.status_code, down.headers["Retry-After"]) == (503, "5")
        assert requests.get(f"{service.url}/health/ready", timeout=30).status_code == 200
