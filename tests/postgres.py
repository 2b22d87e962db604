"""A real PostgreSQL server on a free port of this machine, where its programs are installed."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from commands import LONGEST_COMMAND, LONGEST_START, free_port, stop

NAME = "mlflow"  # of the user, the password and the database
USER = "postgres"  # the server refuses to be root


def programs() -> Path | None:
    """Return the folder of the server's programs: Debian keeps them off the PATH."""
    if os.geteuid() == 0 and USER not in {account.pw_name for account in pwd.getpwall()}:
        return None
    initdb = shutil.which("initdb") or max(
        (str(path) for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None
    )
    return Path(initdb).resolve().parent if initdb else None


@contextmanager
def postgres() -> Iterator[str]:
    """Run the server until the block ends, and give the URI of an empty database."""
    folder, port = programs(), free_port()
    assert folder
    # pytest's own folders are closed to the user that the server runs as.
    with tempfile.TemporaryDirectory(prefix="postgres-") as place:
        data, password = Path(place) / "data", Path(place) / "password"
        password.write_text(NAME, encoding="utf-8")
        how: dict[str, Any] = {"cwd": place}
        if os.geteuid() == 0:
            for path in (Path(place), password):
                shutil.chown(path, USER)
            how |= {"user": USER, "group": pwd.getpwnam(USER).pw_gid, "extra_groups": []}
        login = (f"--username={NAME}", f"--pwfile={password}", "--auth=scram-sha-256")
        _run([folder / "initdb", *login, "--no-sync", f"--pgdata={data}"], **how)
        new = f"CREATE DATABASE {NAME}\n".encode()
        _run([folder / "postgres", "--single", "-D", data, "postgres"], input=new, **how)
        where = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": ""}
        options = [f"--{key}={value}" for key, value in {**where, "fsync": "off"}.items()]
        with Path(place, "log").open("wb") as log:
            process = subprocess.Popen(
                [folder / "postgres", "-D", data, *options],
                stdout=log,
                stderr=log,
                start_new_session=True,
                **how,
            )
        try:
            _wait(process, [folder / "pg_isready", "-h", "127.0.0.1", "-p", str(port)])
            yield f"postgresql://{NAME}:{NAME}@127.0.0.1:{port}/{NAME}"
        finally:
            stop(process)
            print(Path(place, "log").read_text(encoding="utf-8"))


def _run(command: list[Path | str], **how: Any) -> None:
    done = subprocess.run(command, capture_output=True, timeout=LONGEST_COMMAND, check=False, **how)
    assert done.returncode == 0, done.stderr.decode()


def _wait(process: subprocess.Popen[bytes], ask: list[Path | str]) -> None:
    end = time.monotonic() + LONGEST_START
    while subprocess.run(ask, stdout=subprocess.DEVNULL, check=False).returncode:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        assert time.monotonic() < end, "the server was not ready in time"
        time.sleep(0.1)
