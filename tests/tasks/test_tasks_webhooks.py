"""Webhooks: allowed addresses, signatures, and retries."""

import base64
import hashlib
import hmac
import http.client
import json
import logging
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from task_services import ASYNC, LONGEST, Queue, declare, submit, until
from test_tasks_processes import serving

from error_shape import assert_problem
from mmf_core.errors import InvalidValue, SettingError
from mmf_core.tasks import outbox, webhooks
from mmf_core.tasks.settings import TaskSettings
from mmf_core.web import create_app

SECRET = base64.b64encode(b"k" * 32).decode()
SETTINGS = {"MMF_WEBHOOK_SECRET": f"whsec_{SECRET}", "MMF_WEBHOOK_ALLOW": "127.0.0.0/8"}


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted; responds with `statuses` in turn, then with 204."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[str, dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.url = f"http://127.0.0.1:{self.server_port}/done?x=1"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.received.append((self.path, headers, body))
        status = self.server.statuses.pop(0) if self.server.statuses else 204
        self.send_response(status)
        self.send_header("Location", self.server.url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    with Receiver() as receiver:
        thread = Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
            thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def posting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """Return a queue that may post to this machine."""
    for name, text in (SETTINGS | {"MMF_TASKS_DIR": str(tmp_path)}).items():
        monkeypatch.setenv(name, text)
    queue = Queue(create_app(declare()))
    yield queue
    queue.store.close()


def verify(headers: dict[str, str], body: bytes) -> None:
    """Check a message as a receiver does, by the specification of Standard Webhooks."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(b"k" * 32, signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"


def test_signature_is_that_of_the_specification() -> None:
    """The example of standard-webhooks/spec, computed by hand with its secret."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = webhooks.signed("any", b'{"test": 2432232314}', secret, 1614265330)
    signed = f"{headers['webhook-id']}.1614265330.".encode() + b'{"test": 2432232314}'
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert headers["webhook-id"].isascii()


def test_task_is_posted_when_it_is_done(posting: Queue, receiver: Receiver) -> None:
    task = posting.submit("nothing", headers={"Webhook-URL": receiver.url})
    assert not posting.tasks.outbox.has_due()
    posting.work()
    assert posting.tasks.outbox.has_due()
    webhooks.deliver(posting.tasks.outbox, posting.tasks.settings)
    ((path, headers, body),) = receiver.received
    assert (path, headers["content-type"]) == ("/done?x=1", "application/json")
    verify(headers, body)
    document = json.loads(body)
    assert (document["id"], document["status"]) == (task["id"], "succeeded")
    assert document["urls"]["result"] == task["urls"]["result"]
    assert not posting.tasks.outbox.has_due()


def test_cancelled_and_failed_tasks_are_posted_also_by_mmfs_parameter(
    posting: Queue, receiver: Receiver
) -> None:
    first = posting.submit("nothing", headers={"Webhook-URL": receiver.url})
    posting.client.post(first["urls"]["cancel"])
    query = {"as_task": "true", "ret_url": receiver.url}
    response = posting.client.post(
        "/broken", json="own", query_string=query, headers={"TASK-ID": "mmf"}
    )
    assert response.status_code == 200
    posting.work()
    webhooks.deliver(posting.tasks.outbox, posting.tasks.settings)
    received = [json.loads(body) for _, _, body in receiver.received]
    assert sorted(document["status"] for document in received) == ["canceled", "failed"]


def test_failed_webhooks_are_retried_with_backoff_and_given_up(
    posting: Queue, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.statuses = [500, 429, 503] + [500] * 9
    posting.submit("nothing", headers={"Webhook-URL": receiver.url})
    posting.work()
    now, pauses = 1e9, []
    monkeypatch.setattr(outbox.time, "time", lambda: now)
    for attempt in range(outbox.ATTEMPTS):
        webhooks.deliver(posting.tasks.outbox, posting.tasks.settings)
        assert len(receiver.received) == attempt + 1
        (row,) = posting.store._database.rows("SELECT post_at - ?, webhook FROM tasks", now)
        if row[1]:
            pauses.append(row[0] - outbox.ATTEMPT_TIMEOUT)
        now += row[0] - 0.001
        assert not posting.tasks.outbox.has_due()
        now += 0.002
    assert pauses == pytest.approx([5.0 * 2**attempt for attempt in range(11)], abs=0.01)
    ids = {headers["webhook-id"] for _, headers, _ in receiver.received}
    assert len(ids) == 1
    now += 1e6
    assert not posting.tasks.outbox.has_due()


@pytest.mark.parametrize("status", [200, 301, 400, 404, 410])
def test_other_responses_are_final(posting: Queue, receiver: Receiver, status: int) -> None:
    receiver.statuses = [status]
    posting.submit("nothing", headers={"Webhook-URL": receiver.url})
    posting.work()
    webhooks.deliver(posting.tasks.outbox, posting.tasks.settings)
    assert len(receiver.received) == 1  # a redirect is not followed
    assert posting.store._database.rows("SELECT webhook FROM tasks") == [(None,)]


def test_unreachable_or_slow_receiver_is_retried(
    posting: Queue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(webhooks, "ATTEMPT_TIMEOUT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for url in (f"http://127.0.0.1:{port}/", "http://127.0.0.1:1/"):
            posting.submit("nothing", headers={"Webhook-URL": url})
        posting.work()
        with caplog.at_level(logging.INFO):
            webhooks.deliver(posting.tasks.outbox, posting.tasks.settings)
    said = [record.message for record in caplog.records if record.name == "mmf.webhooks"]
    assert any("no response in time" in text for text in said)
    assert any("Connection refused" in text for text in said)
    assert len(posting.store._database.rows("SELECT 1 FROM tasks WHERE webhook IS NOT NULL")) == 2


def test_first_attempts_come_before_the_others(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In PostgreSQL a thousand that had failed came before each new one."""
    tasks = [queue.submit("nothing")["id"] for _ in range(4)]
    queue.work()
    rows, now = queue.store._database.rows, 1e9
    rows("UPDATE tasks SET webhook = 'http://8.8.8.8/'")
    for task_id, posts, post_at in ((tasks[0], 2, 1.0), (tasks[2], 1, 2.0)):
        rows("UPDATE tasks SET posts = ?, post_at = ? WHERE id = ?", posts, post_at, task_id)
    monkeypatch.setattr(outbox.time, "time", lambda: now)
    claimed = [claim[0].id for claim in iter(queue.tasks.outbox.claim, None)]
    assert claimed == [tasks[1], tasks[3], tasks[2], tasks[0]]


def test_clock_that_jumps_back_delays_no_webhook(
    posting: Queue, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.statuses = [500]
    posting.submit("nothing", headers={"Webhook-URL": receiver.url})
    posting.work()
    webhooks.deliver(posting.tasks.outbox, posting.tasks.settings)
    monkeypatch.setattr(outbox.time, "time", lambda: 1e9)
    webhooks.deliver(posting.tasks.outbox, posting.tasks.settings)
    assert len(receiver.received) == 2


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost:8000/",
        "http://[::1]/",
        "http://10.1.2.3/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[fd00:ec2::254]/",
        "http://[fec0::1]/",
        "http://[feff:ffff::1]/",
        "http://100.100.100.200/",
        "http://0.0.0.0/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://224.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://255.255.255.255/",
    ],
)
def test_private_addresses_are_rejected(url: str) -> None:
    settings = TaskSettings.from_env({"MMF_WEBHOOK_SECRET": SETTINGS["MMF_WEBHOOK_SECRET"]})
    with pytest.raises(InvalidValue, match="MMF_WEBHOOK_ALLOW"):
        webhooks.check(url, settings)


@pytest.mark.parametrize("url", ["http://8.8.8.8/", "https://[2606:4700::1111]:8443/x?y"])
def test_public_addresses_are_accepted(url: str) -> None:
    settings = TaskSettings.from_env({"MMF_WEBHOOK_SECRET": SETTINGS["MMF_WEBHOOK_SECRET"]})
    assert webhooks.check(url, settings) == url


@pytest.mark.parametrize(
    "url",
    [
        "ftp://8.8.8.8/",
        "8.8.8.8",
        "http://",
        "http://user:secret@8.8.8.8/",
        "http://8.8.8.8/\x01",
        "http://8.8.8.8/" + "x" * 2_000,
        "http://8.8.8.8:99999/",
        "http://8.8.8.8:0/",
        "http://no.such.host.invalid/",
        "http://[::1",
    ],
)
def test_invalid_urls_are_rejected_immediately(posting: Queue, url: str) -> None:
    with pytest.raises(InvalidValue, match="Webhook-URL"):
        webhooks.check(url, posting.tasks.settings)


def test_name_that_resolves_to_another_address_later_is_not_connected_to(
    posting: Queue, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = ["8.8.8.8", "10.0.0.1"]

    def resolve(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (addresses.pop(0), 80))]

    monkeypatch.setattr(webhooks.socket, "getaddrinfo", resolve)
    posting.submit("nothing", headers={"Webhook-URL": "http://rebinding.example/"})
    posting.work()
    webhooks.deliver(posting.tasks.outbox, posting.tasks.settings)
    assert addresses == []
    assert receiver.received == []


def test_allowed_hosts_and_networks_are_read() -> None:
    text = "receiver.internal, 10.0.0.0/8,fd00::/8"
    (names, networks) = TaskSettings.from_env({"MMF_WEBHOOK_ALLOW": text}).webhook_allow
    assert names == ("receiver.internal",)
    assert [str(network) for network in networks] == ["10.0.0.0/8", "fd00::/8"]
    for wrong in ("10.0.0.1/8", "http://receiver"):
        with pytest.raises(SettingError, match="MMF_WEBHOOK_ALLOW"):
            TaskSettings.from_env({"MMF_WEBHOOK_ALLOW": wrong})


@pytest.mark.parametrize("secret", ["secret", "whsec_", "whsec_c2hvcnQ=", "whsec_!"])
def test_invalid_secret_is_rejected(secret: str) -> None:
    with pytest.raises(SettingError, match="whsec_ and base64 of at least 24 bytes"):
        TaskSettings.from_env({"MMF_WEBHOOK_SECRET": secret})


def test_webhooks_are_off_without_a_secret(queue: Queue) -> None:
    headers = ASYNC | {"Webhook-URL": "http://8.8.8.8/"}
    response = queue.client.post("/nothing", headers=headers)
    assert_problem(response, 422, "webhooks are off (set MMF_WEBHOOK_SECRET)")
    assert queue.store.counts() == {}


def test_service_posts_its_tasks(tmp_path: Path) -> None:
    with receiving() as receiver, serving(tmp_path, **SETTINGS) as service:
        receiver.statuses = [204]
        task = submit(service.url, "double", [{"a": 1}], **{"Webhook-URL": receiver.url})
        until(lambda: receiver.received)
        ((_, headers, body),) = receiver.received
        verify(headers, body)
        assert json.loads(body)["id"] == task["id"]


def test_task_whose_result_was_the_response_is_posted_all_the_same(tmp_path: Path) -> None:
    with receiving() as receiver, serving(tmp_path, **SETTINGS) as service:
        headers = {"Prefer": "respond-async, wait=30", "Webhook-URL": receiver.url}
        url = f"{service.url}/double"
        response = requests.post(url, json=[{"a": 1}], headers=headers, timeout=LONGEST)
        assert (response.status_code, response.text) == (200, "a\n2.0\n")
        until(lambda: receiver.received)
        verify(*receiver.received[0][1:])


@pytest.mark.parametrize("url", ["http://@8.8.8.8/", "http://:secret@8.8.8.8/"])
def test_url_must_not_contain_a_user(posting: Queue, url: str) -> None:
    with pytest.raises(InvalidValue, match="expected http:// or https:// and a host"):
        webhooks.check(url, posting.tasks.settings)


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://[2606:4700::1111]/", 80),
        ("http://[2606:4700::abcd]/", 80),
        ("https://[2606:4700::1111]/", 443),
        ("http://[2606:4700::1111]:8443/", 8443),
    ],
)
def test_the_end_of_an_address_of_ipv6_is_not_its_port(url: str, port: int) -> None:
    connection = webhooks._Connection(urlsplit(url), "2606:4700::1111")
    assert (connection.host, connection.port) == (urlsplit(url).hostname, port)


def test_webhook_that_fails_unexpectedly_does_not_affect_others(
    posting: Queue, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in (f"{receiver.url}&first", receiver.url):
        posting.submit("nothing", headers={"Webhook-URL": url})
    posting.work()
    post = webhooks.post

    def fails_first(url: str, *args: Any) -> int:
        if url.endswith("first"):
            raise http.client.InvalidURL(url)
        return post(url, *args)

    monkeypatch.setattr(webhooks, "post", fails_first)
    webhooks.deliver(posting.tasks.outbox, posting.tasks.settings)
    assert len(receiver.received) == 1
    left = posting.store._database.rows("SELECT webhook FROM tasks WHERE webhook IS NOT NULL")
    assert left == [(f"{receiver.url}&first",)]


@pytest.mark.parametrize(
    ("chunks", "end"),
    [
        ([b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 20", b"4 No Content\r\n\r\n"], 204),
        ([b"HTTP/1.0 410\r\n"], 410),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" * 100] * 1_000, "not HTTP"),
        ([b"X: HTTP/1.1 200 OK\r\n", b"a" * 100_000], "not HTTP"),
        ([b"HTTP/1.1 2"], "not HTTP"),
        ([b""], "not HTTP"),
    ],
    ids=["interim", "bare", "endless", "garbage", "cut off", "nothing"],
)
def test_little_is_read_of_a_response(chunks: list[bytes], end: int | str) -> None:
    """An endless row of interim responses took a core for half a minute, twelve times."""
    ours, theirs = socket.socketpair()

    def send() -> None:
        with theirs, suppress(OSError):
            for chunk in chunks:
                theirs.sendall(chunk)

    with ours, ThreadPoolExecutor(1) as pool:
        pool.submit(send)
        if isinstance(end, int):
            assert webhooks._status(ours) == end
        else:
            with pytest.raises(OSError, match=end):
                webhooks._status(ours)
        ours.close()


def test_unresolvable_names_block_few_requests(
    posting: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Callers choose them; each held a thread for as long as the resolver waits."""
    may_end = Event()

    def resolve(*_: Any, **__: Any) -> list[Any]:
        may_end.wait(30)
        raise socket.gaierror

    monkeypatch.setattr(webhooks.socket, "getaddrinfo", resolve)
    monkeypatch.setattr(webhooks, "_LOOKUP_WAIT", 0.05)

    def send() -> int:
        headers = ASYNC | {"Webhook-URL": "http://slow.example/"}
        return posting.app.test_client().post("/nothing", headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(send) for _ in range(8)]
        refused = [call.result() for call in islice(as_completed(calls, 30), 4)]
        may_end.set()
    assert refused == [503] * 4
    assert sorted(call.result() for call in calls) == [422] * 4 + [503] * 4
    assert posting.store.counts() == {}
