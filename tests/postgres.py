"""A real PostgreSQL server on a free port of this machine, where its programs are installed."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands import LONGEST_COMMAND, LONGEST_START, LONGEST_STOP, free_port, stop

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


@dataclass
class Server:
    """A server that can be stopped and started again, with its data."""

    uri: str
    command: list[Path | str]
    ready: list[Path | str]  # a command that succeeds when it responds
    log: Path
    how: dict[str, Any]

    def start(self) -> None:
        """Start it, and wait until it responds."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, start_new_session=True, **self.how
            )
        _wait(self.process, self.ready)

    def end(self, number: int) -> None:
        """End it in spite of its clients, by SIGINT, or by SIGQUIT as in a crash."""
        self.process.send_signal(number)
        self.process.wait(LONGEST_STOP)


@contextmanager
def postgres() -> Iterator[str]:
    """Run the server until the block ends, and give the URI of an empty database."""
    with postgres_server() as server:
        yield server.uri


@contextmanager
def postgres_server() -> Iterator[Server]:
    """Run the server until the block ends."""
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
        server = Server(
            f"postgresql://{NAME}:{NAME}@127.0.0.1:{port}/{NAME}",
            [folder / "postgres", "-D", data, *options],
            [folder / "pg_isready", "-h", "127.0.0.1", "-p", str(port)],
            Path(place, "log"),
            how,
        )
        server.start()
        try:
            yield server
        finally:
            stop(server.process)
            print(server.log.read_text(encoding="utf-8"))


def _run(command: list[Path | str], **how: Any) -> None:
    done = subprocess.run(command, capture_output=True, timeout=LONGEST_COMMAND, check=False, **how)
    assert done.returncode == 0, done.stderr.decode()


def _wait(process: subprocess.Popen[bytes], ask: list[Path | str]) -> None:
    end = time.monotonic() + LONGEST_START
    while subprocess.run(ask, stdout=subprocess.DEVNULL, check=False).returncode:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        assert time.monotonic() < end, "the server was not ready in time"
        time.sleep(0.1)
