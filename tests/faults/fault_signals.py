"""Signals from operators and the system: reload, kill, restart."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from fault_env import FaultEnv, fault, missing, replace_model

from commands import free_port, stop, wait_until, wait_until_ready
from live_load import Live, kill

NGINX = """
{user}
daemon off;
pid nginx.pid;
error_log stderr;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp;
  uwsgi_temp_path temp; scgi_temp_path temp;
  upstream service {{
    server 127.0.0.1:{first} max_fails=0;
    server 127.0.0.1:{second} max_fails=0;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://service; }}
  }}
}}
"""


@fault("SIGHUP", short=1, long=20)
def hang_ups(env: FaultEnv) -> None:
    """Reload the project with repeated SIGHUPs; all workers are replaced."""
    with env.service() as live, env.load(live.service.port):
        for _ in range(env.times):
            live.reload()


@fault("the model's file is replaced, MMF_RELOAD_SECONDS=0.2", short=1, long=10)
def watched_reloads(env: FaultEnv) -> None:
    """Replace the model file; the service notices by itself."""
    with env.service(MMF_RELOAD_SECONDS="0.2") as live, env.load(live.service.port):
        for _ in range(env.times):
            replace_model(live)


@fault("`kill -9` of a random worker", short=2, long=20)
def kills(env: FaultEnv) -> None:
    """Kill workers; what is in flight at that moment may be lost."""
    with env.service() as live, env.load(live.service.port) as load:
        for _ in range(env.times):
            victim = random.choice(sorted(live.workers))
            before = load.in_flight
            kill(victim)
            env.may_lose += max(before, load.in_flight) + 1  # one may be sent in between
            wait_until(lambda victim=victim: victim not in live.workers and len(live.workers) == 2)
            time.sleep(env.pause)


@fault("SIGTERM and start of two instances in turn, behind nginx", short=1, long=10,
       lacks=missing("nginx", "nginx-light"))  # fmt: skip
def rolling_restart(env: FaultEnv) -> None:
    """Restart instances one after the other behind a round-robin proxy."""
    ports = [free_port(), free_port()]
    with ExitStack() as stack:
        instances = [ExitStack(), ExitStack()]
        lives: list[Live | None] = [None, None]

        def start(index: int) -> None:
            service = env.service(f"instance{index}", PORT=str(ports[index]))
            lives[index] = instances[index].enter_context(service)

        for index in (0, 1):
            stack.enter_context(instances[index])
            start(index)
        port = stack.enter_context(_proxy(env, *ports))
        stack.enter_context(env.load(port))
        for index in ([0, 1] * env.times)[: env.times]:
            live = lives[index]
            assert live is not None
            live.service.process.send_signal(signal.SIGTERM)
            assert live.service.process.wait(60) == 0
            instances[index].close()
            start(index)
            time.sleep(env.pause)


@contextmanager
def _proxy(env: FaultEnv, first: int, second: int) -> Iterator[int]:
    """Run nginx before two ports; yield its port."""
    port = free_port()
    user = (
        "user root;" if os.geteuid() == 0 else ""
    )  # its workers must be able to access this folder
    config = NGINX.format(user=user, first=first, second=second, port=port)
    (env.folder / "nginx.conf").write_text(config)
    command = ["nginx", "-p", str(env.folder), "-c", "nginx.conf", "-e", "stderr"]
    with (env.folder / "nginx.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_until_ready(process, f"http://127.0.0.1:{port}/health/ready")
        yield port
    finally:
        stop(process)
        print((env.folder / "nginx.log").read_text())
