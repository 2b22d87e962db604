"""Models by MLflow's addresses: `models:/Name/Production`, `models:/Name@alias`, `runs:/ID/model`.

MLFLOW_TRACKING_URI says where they are. The copy that was fetched last is kept, and is used where
the registry cannot be reached.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

from ..errors import ArtifactError
from .mlflow_format import MlflowFormat, quiet

SCHEMES = ("models:/", "runs:/")
# MLflow asks seven times, for minutes; a service that starts has seconds.
_BOUNDS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}
_log = logging.getLogger("mmf.models")


def fetch(uri: str, cache: Path) -> Path:
    """Return the folder of the model at `uri`, in `cache`; ArtifactError if there is none.

    The operator's own MLFLOW_HTTP_REQUEST_* win over the bounds here.
    """
    MlflowFormat().demand(uri)
    kept = cache / sha256(uri.encode()).hexdigest()[:16]
    cache.mkdir(parents=True, exist_ok=True)
    new = Path(mkdtemp(dir=cache, prefix=f"{kept.name}."))
    try:
        with _bounded(), quiet():
            from mlflow.artifacts import download_artifacts

            found = Path(download_artifacts(artifact_uri=uri, dst_path=str(new)))
        shutil.rmtree(kept, ignore_errors=True)
        found.rename(kept)
    except Exception as error:  # of MLflow, requests, and whatever holds the files
        if not kept.exists():
            reason = str(error).strip().partition("\n")[0]
            raise ArtifactError(f"{uri} cannot be fetched: {reason}") from error
        _log.warning("%s cannot be fetched; the copy fetched before is used: %s", uri, error)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return kept


@contextmanager
def _bounded() -> Iterator[None]:
    """Bound MLflow's retries, where the operator has not."""
    ours = {name: text for name, text in _BOUNDS.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)
