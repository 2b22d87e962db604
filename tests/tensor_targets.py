"""Targets for clients of the Open Inference Protocol, over HTTP and over gRPC."""

import json
import subprocess
from hashlib import sha256
from typing import Any

from baking import ROOT
from commands import make_environment

CLIENTS = ROOT / "tests" / "clients"
MODEL = b"a model"
"""The content of the artifact model.bin."""
VERSION = sha256(MODEL).hexdigest()[:12]
APP = """
import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()
registry.artifact("model.bin", "rb")


@registry.target(returns=mmf.DataFrame())
def score(data=mmf.DataFrame(schema={"a": float, "word": str})):
    return data.assign(double=2 * data["a"])[["double", "word"]]


@registry.target(returns=mmf.Array())
def twice(x=mmf.Array()):
    return 2 * x


@registry.target(returns=mmf.DataFrame())
def table(data=mmf.DataFrame()):
    return data


@registry.target(returns=mmf.String())
def shout(text=mmf.String()):
    return text.upper()

"""
"""The start of an application."""


def run_client(script: str, *arguments: str) -> Any:
    """Run a program of tests/clients in the environment of their packages; return its report."""
    python = make_environment("clients", CLIENTS / "requirements.txt") / "python"
    command = [str(python), str(CLIENTS / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
