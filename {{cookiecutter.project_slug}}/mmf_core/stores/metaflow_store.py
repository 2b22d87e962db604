"""metaflow://Flow/RUN/name: what the end step of a Metaflow run has as `self.name`.

RUN is the id of a run, `latest_successful` or `latest`; it is looked up at every start, with
Metaflow's own settings, such as METAFLOW_SERVICE_URL. An object is stored as joblib does it; bytes
are a file of their own, and their format is that of a suffix: metaflow://Flow/RUN/name.onnx.
"""

from __future__ import annotations

import io
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from ..errors import StoreError
from .base import Store
from .objects import Content, Version

EXPECTED = "expected metaflow://Flow/RUN/name, with the id of a run, latest_successful or latest"


class MetaflowStore(Store):
    """Artifacts of runs, read-only."""

    schemes = ("metaflow",)
    requires: ClassVar = {"metaflow": "metaflow", "joblib": "joblib"}

    def open(self, uri: str, start: int = 0, version: str = "") -> Content:
        from metaflow.exception import MetaflowException  # an optional library

        flow, run, name = _parts(uri)
        try:
            finished = _run(flow, version or run)
            value = finished.end_task[name].data
        except KeyError as error:
            raise StoreError(f"{uri}: Metaflow has no {error.args[0]}") from error
        except MetaflowException as error:
            raise StoreError(f"{uri}: {error.headline}: {error.message}") from error
        content = value if isinstance(value, bytes) else _joblib(value)
        return Content(
            io.BytesIO(content[start:]),
            Version(
                id=finished.id,
                size=len(content),
                sha256=sha256(content).hexdigest(),
                modified=finished.finished_at.isoformat(timespec="seconds"),
            ),
            start,
        )

    def fetch(self, uri: str, expected: Version, name: str) -> Path:
        return super().fetch(uri, expected, name if "." in name else f"{name}.joblib")


def _parts(uri: str) -> tuple[str, str, str]:
    """Return the names of the flow, the run and the artifact."""
    address = urlsplit(uri)
    parts = address.path.strip("/").split("/")
    if not address.netloc or len(parts) != 2 or not all(parts):  # noqa: PLR2004 - run and name
        raise StoreError(f"{uri}: {EXPECTED}")
    run, name = parts
    return address.netloc, run, name.partition(".")[0]


def _run(name: str, run: str) -> Any:
    """Return a finished run; KeyError or an exception of Metaflow if it does not have it."""
    import metaflow

    metaflow.namespace(None)  # the runs of all users
    flow = metaflow.Flow(name)
    if run == "latest_successful":
        finished = flow.latest_successful_run
    else:
        finished = flow.latest_run if run == "latest" else flow[run]
    if finished is None or finished.end_task is None:
        raise KeyError(f"finished run {name}/{run}")
    return finished


def _joblib(value: object) -> bytes:
    import joblib

    buffer = io.BytesIO()
    joblib.dump(value, buffer)
    return buffer.getvalue()


STORE = MetaflowStore()
