"""The process that starts servers for tests leaves none of them running."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from commands import wait_until

CODE = """
import os, subprocess, sys, time
from pathlib import Path
from zygote import Zygote

program = Zygote().start(
    ["-c", "import time; time.sleep(600)"], cwd=Path.cwd(), env={}, output=subprocess.DEVNULL
)
print(program.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a process is waited for by its descriptor")
def test_server_ends_with_its_test() -> None:
    test = subprocess.Popen(
        [sys.executable, "-c", CODE], cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True
    )
    with test:
        assert test.stdout
        server = psutil.Process(int(test.stdout.readline()))
        test.kill()
    wait_until(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE)
