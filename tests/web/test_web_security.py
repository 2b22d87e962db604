"""Security headers, and redaction of secrets in the log."""

import io
import json
import logging
import sys
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from flask.testing import FlaskClient
from log_output import Output

import mmf_core as mmf
from mmf_core.errors import ArtifactError, DescriptorError
from mmf_core.web import create_app
from mmf_core.web.log_redaction import excepthook, redactor
from mmf_core.web.logs import StdoutHandler

SIGNED = (
    "https://store.example.com/model.joblib?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIA0000%2F20260101&X-Amz-Signature=abcdef&X-Amz-Security-Token=tokentoken"
)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health/ready", 200),
        ("GET", "/hello", 200),
        ("POST", "/hello", 200),
        ("POST", "/hello?format=csv", 406),
        ("POST", "/gaps?format=html", 200),
        ("GET", "/nowhere", 404),
        ("GET", "/openapi.json", 200),
        ("GET", "/docs", 200),
        ("GET", "/docs/start.js", 200),
        ("POST", "/invocations", 404),
        ("GET", "/v2/models/none", 404),
    ],
)
def test_every_response_has_security_headers(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    response = client.open(path, method=method)
    assert response.status_code == status
    for name in ("X-Content-Type-Options", "Referrer-Policy", "Content-Security-Policy"):
        assert len(response.headers.getlist(name)) == 1
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert ("script-src" in policy) == (path == "/docs")


SECRETS = [
    ("postgresql://user:pass-word@host/db", "pass-word", "postgresql://user:***@host/db"),
    ("http://:only@host", "only", "http://:***@host"),
    (SIGNED, "abcdef", "X-Amz-Signature=***"),
    (SIGNED, "AKIA0000", "X-Amz-Algorithm=AWS4-HMAC-SHA256"),
    (SIGNED, "tokentoken", "model.joblib"),
    ("https://x.example/?sv=1&sig=a%2Bb&se=2", "a%2Bb", "se=2"),
    ("https://x.example/?access_token=abc", "abc", "access_token=***"),
    ("{'Authorization': 'Basic dTpw', 'A': 'b'}", "dTpw", "'A': 'b'"),
    ("Authorization: Bearer abc.def\nnext", "abc.def", "next"),
    ('the key is s3cr3t/k"ey!', 's3cr3t/k"ey', "the key is ***"),
    ("in a URL s3cr3t%2Fk%22ey", "s3cr3t", "in a URL ***"),
    ("https://ghp0token@github.com/a", "ghp0token", "https://***@github.com/a"),
    ("Authorization: bare-key", "bare-key", "Authorization: ***"),
    ('Authorization: Digest username="u", response="6629fa"\nnext', "6629fa", "\nnext"),
    ("X-Api-Key: abc123 is wrong", "abc123", "X-Api-Key: *** is wrong"),
    ("{'X-Api-Key': 'abc123', 'A': 'b'}", "abc123", "'A': 'b'"),
    ("[(b'x-api-key', b'abc123'), (b'a', b'b')]", "abc123", "(b'a', b'b')"),
    ("{'HTTP_X_API_KEY': 'abc123', 'A': 'b'}", "abc123", "'A': 'b'"),
    ("Client(api_key='abc123', a='b')", "abc123", "a='b'"),
    ("X-Auth-Token: abc123", "abc123", "X-Auth-Token: ***"),
    ("Cookie: a=1; sid=abc123\nnext", "abc123", "\nnext"),
    ('Cookie: a="1"; sid=abc123\nnext', "abc123", "\nnext"),
    ("Set-Cookie: sid=abc123; HttpOnly", "abc123", "Set-Cookie: ***"),
    ("{'HTTP_COOKIE': 'sid=abc123', 'A': 'b'}", "abc123", "'A': 'b'"),
    ("[('Cookie', 'sid=abc123'), ('A', 'b')]", "abc123", "('A', 'b')"),
    (json.dumps({"a": 'Cookie: a="1"; sid=abc123', "b": "c"}), "abc123", '"b": "c"'),
    (json.dumps({"a": "{'Cookie': 'sid=abc123'}", "b": "c"}), "abc123", '"b": "c"'),
    (json.dumps({"a": json.dumps({"Cookie": 'a="1"; sid=abc123'}), "b": 1}), "abc123", '"b": 1'),
    (json.dumps({"a": "Cookie: a=", "pid": 1}), "nothing", '"pid": 1'),
]


@pytest.mark.parametrize(("text", "secret", "left"), SECRETS)
def test_secrets_are_redacted(text: str, secret: str, left: str) -> None:
    redact = redactor({"AWS_SECRET_ACCESS_KEY": 's3cr3t/k"ey', "A_TOKEN": "no", "HOME": "next"})
    assert secret not in redact(text)
    assert left in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        *("12:30@noon", "GET /score?format=xlsx 200", "no, next: a b", ""),
        *("ssh://git@github.com/a", "def load(api_key: str) -> None:", "api_key = load(name)"),
        *("primary-key: 3", "the api-key, if any"),
        'column "token": expected a number, got "strong"',
    ],
)
def test_other_text_is_unchanged(text: str) -> None:
    assert redactor({"A_TOKEN": "no"})(text) == text


@pytest.mark.parametrize(
    "name",
    [
        *("DB_PASS", "MYSQL_PWD", "PGPASSWORD", "MLFLOW_TRACKING_PASSWORD", "app_passwd"),
        *(
            "SECRET_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_ACCESS_KEY_ID",
            "OPENAI_KEY",
            "STRIPE_APIKEY",
        ),
        *("RSA_PRIVATE_KEY", "GITHUB_TOKEN", "AWS_SESSION_TOKEN", "DB_CREDENTIALS", "KEY"),
        *("API_KEYS", "CLIENT_SECRETS", "DB_PASSWORDS", "SSH_PASSPHRASE"),
        *("GITHUB_PAT", "DB_PASS2", "PGPASSWORD2", "API_KEY_1", "API_KEY2", "AUTH", "NPM_AUTH"),
        *("SENTRY_DSN", "DB_CREDS", "SERVICE_JWT", "SESSION_COOKIE", "CONNECTION_STRING"),
        *("STRIPE_SK", "STRIPE_SK2", "WIFI_PSK"),
    ],
)
def test_values_of_secret_variables_are_redacted(name: str) -> None:
    assert redactor({name: "wine-2024"})("sent wine-2024 to the store") == "sent *** to the store"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("TOKENIZER", "wine-2024"), ("MAX_TOKENS", "wine-2024"), ("HF_TOKENIZERS", "wine-2024")),
        *(("BYPASS", "wine-2024"), ("KEYBOARD", "wine-2024"), ("JWT_PUBLIC_KEY", "wine-2024")),
        *(("PASSENGER", "wine-2024"), ("SECRETARY", "wine-2024"), ("TOKEN", "wines")),
        *(("DISK", "wine-2024"), ("SK_LEARN", "wine-2024"), ("TASK", "wine-2024")),
        *(("MMF_WEBHOOK_ALLOW", "wine-2024,10.0.0.0/8"), ("A_WEBHOOK", "https://a.example/x")),
        *(("AUTH_METHOD", "wine-2024"), ("PATH_PREFIX", "wine-2024"), ("PATTERN", "wine-2024")),
        *(("TOKEN_LIFETIME", "86400000"), ("KEY_RATIO", "0.12345"), ("KEY_RATIO", "-1.25e-07")),
    ],
)
def test_values_of_other_variables_are_unchanged(name: str, value: str) -> None:
    assert redactor({name: value})(f"read {value} rows") == f"read {value} rows"


@pytest.mark.parametrize("name", ["DB_PASS", "DB_PASS2", "MYSQL_PWD", "CLIENT_SECRET"])
def test_numeric_password_is_redacted(name: str) -> None:
    assert redactor({name: "19450509"})("user:19450509 is wrong") == "user:*** is wrong"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://user:wine-2024@host/db"),
        ("HTTPS_PROXY", "http://user:wine-2024@proxy:8080"),
        ("SENTRY_DSN", "https://wine-2024@o1.ingest.example.com/2"),
        ("REDIS_URL", "redis://:wine%2D2024@host/0"),
    ],
)
def test_password_from_a_url_variable_is_redacted_alone(name: str, value: str) -> None:
    assert redactor({name: value})("refused wine-2024 for user") == "refused *** for user"


@pytest.mark.parametrize("name", ["SLACK_WEBHOOK", "teams_webhook_url", "WEBHOOKS_1"])
def test_webhook_path_is_redacted_alone(name: str) -> None:
    redact = redactor({name: "https://hooks.slack.com/services/T0/B0/x?y=z"})
    assert redact('host hooks.slack.com: "POST /services/T0/B0/x?y=z"') == (
        'host hooks.slack.com: "POST ***"'
    )
    assert redact("https://hooks.slack.com/services/T0/B0/x?y=z") == "https://hooks.slack.com***"


def test_secret_that_starts_like_a_path_is_redacted() -> None:
    secret = "/" + "a1" * 300
    assert redactor({"SECRET_KEY": secret})(f"sent {secret}") == "sent ***"


@pytest.mark.parametrize("name", ["PWD", "TLS_KEY_FILE", "GOOGLE_APPLICATION_CREDENTIALS"])
def test_paths_are_not_redacted(name: str, tmp_path: Path) -> None:
    assert redactor({name: str(tmp_path)})(f"cannot read {tmp_path}") == f"cannot read {tmp_path}"


def test_redaction_time_is_linear() -> None:
    """Compare the times for a text and one 64 times as long; a quadratic ratio would be 4096."""
    redact = redactor({})

    def seconds(length: int) -> float:
        text = "?" + "key" * length
        best = float("inf")
        for _ in range(3):
            started = process_time()
            redact(text)
            best = min(best, process_time() - started)
        return best

    assert seconds(32_000) < 500 * seconds(500)


def test_crash_log_has_no_secrets(
    monkeypatch: pytest.MonkeyPatch, registry: mmf.Registry, bare_logging: Output
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", 'a "quoted" word')
    monkeypatch.setenv("MMF_LOG_FORMAT", "json")

    @registry.target(returns=mmf.String())
    def crash(text: Any = mmf.String()) -> Any:  # noqa: B008
        logging.getLogger("author").warning("asking %s", SIGNED)
        raise RuntimeError(f'{text} with a "quoted" word at http://user:hidden@host')

    response = create_app(registry).test_client().post("/crash", json="it fails")
    assert response.status_code == 500
    text = bare_logging.getvalue()
    assert "it fails" in text
    assert "asking" in text
    for secret in ("hidden", "quoted", "abcdef", "AKIA0000"):
        assert secret not in text
        assert secret not in response.text
    assert all(json.loads(line) for line in text.splitlines())


def test_access_lines_are_not_redacted() -> None:
    stream = io.StringIO()
    handler = StdoutHandler()
    handler.setStream(stream)
    handler.handle(logging.LogRecord("mmf.access", 20, "", 0, "GET /a?token=x", (), None))
    assert stream.getvalue() == "GET /a?token=x\n"


def test_startup_error_is_one_line(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        raise ArtifactError("model.joblib not found;\nrun train.py")
    except ArtifactError:
        excepthook(*sys.exc_info())  # type: ignore[arg-type]
    assert [record.getMessage() for record in caplog.records] == [
        "model.joblib not found; run train.py"
    ]
    assert capsys.readouterr().err == ""


def test_invalid_example_prevents_startup_with_its_source_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    table = 'mmf.DataFrame(schema={"a": float, "b": str}, example=[{"a": 1}])'
    code = f"import mmf_core as mmf\n\n{table}\n"
    try:
        exec(compile(code, str(tmp_path / "main.py"), "exec"), {})
    except DescriptorError:
        excepthook(*sys.exc_info())  # type: ignore[arg-type]
    assert [record.getMessage() for record in caplog.records] == [
        'DataFrame: example: column "b": missing column (main.py, line 3)'
    ]


def test_startup_traceback_has_no_secrets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        raise RuntimeError("cannot reach https://user:hidden@host")
    except RuntimeError:
        excepthook(*sys.exc_info())  # type: ignore[arg-type]
    printed = capsys.readouterr().err
    assert "Traceback" in printed
    assert "https://user:***@host" in printed
