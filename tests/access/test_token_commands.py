"""`mmfmeta token`: keys, tokens, their claims, API keys; files that change under a service."""

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from click.testing import CliRunner, Result
from flask import Flask
from signing import Signer, bearer

from baking import PAYLOAD
from mmf_core.access import sources
from mmf_core.access.api_keys import hash_of, new_api_key, read_api_keys
from mmf_core.access.key_set import encode, key_id, public_jwk, read_public_keys
from mmf_core.access.settings import AccessSettings
from mmf_core.access.start import prepare
from mmf_core.access.tokens import read_revoked
from mmf_core.cli import main
from mmf_core.errors import SettingError

BODY = {"x": 1.5}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Return a function that runs a command in an empty project called `wine`."""
    for name in ("MMF_TOKEN_KEYS", "MMF_TOKEN_AUDIENCE", "MMF_TOKEN_REVOKED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text('[project]\nname = "wine"\nversion = "1"\n')

    def invoke(*arguments: str, **options: Any) -> Result:
        return CliRunner().invoke(main, ["token", *arguments], **options)

    return invoke


def create_token(run: Callable[..., Result], *options: str) -> str:
    result = run("create", *options)
    assert result.exit_code == 0, result.output
    return result.output.strip()


def test_token_has_the_claims_of_its_options(run: Callable[..., Result]) -> None:
    generated = run("keygen")
    assert generated.exit_code == 0, generated.output
    private = Path("token-key.pem")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert b"PRIVATE KEY" in private.read_bytes()
    (jwk,) = json.loads(Path("token-keys.json").read_text())["keys"]
    assert "d" not in jwk
    assert "the public keys, 1 in all" in generated.output
    assert jwk["kid"] == key_id(read_public_keys(json.dumps(jwk))[jwk["kid"]])

    options = ("--targets", "score", "--groups", "predict,tasks", "--expires", "30d")
    token = create_token(run, *options, "--rate", "100/minute", "--subject", "ci")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 30 * 24 * 3600
    assert abs(claims["iat"] - time.time()) < 5
    assert (claims["sub"], claims["aud"], claims["rate"]) == ("ci", "wine", "100/minute")
    assert (claims["targets"], claims["groups"]) == (["score"], ["predict", "tasks"])
    assert jwt.get_unverified_header(token)["kid"] == jwk["kid"]

    inspected = run("inspect", token)
    assert inspected.exit_code == 0, inspected.output
    assert '"sub": "ci"' in inspected.output
    assert "valid until 20" in inspected.output
    assert run("inspect", input=f"{token}\n").exit_code == 0
    token = create_token(run, "--targets", "*")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["sub"] == claims["jti"]
    assert claims["groups"] == ["predict"]


def test_keys_are_rotated(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    run("keygen")
    old = create_token(run, "--targets", "score")
    repeated = run("keygen")
    assert repeated.exit_code == 1
    assert "token-key.pem already exists" in repeated.output
    assert run("keygen", "--key", "new.pem").exit_code == 0
    new = create_token(run, "--targets", "score", "--key", "new.pem")
    for token in (old, new):
        assert run("inspect", token).exit_code == 0
    document = json.loads(Path("token-keys.json").read_text())
    Path("token-keys.json").write_text(json.dumps({"keys": document["keys"][1:]}))
    refused = run("inspect", old)
    assert refused.exit_code == 1
    assert "no key has its kid" in refused.output
    assert run("inspect", new).exit_code == 0
    monkeypatch.setenv("MMF_TOKEN_AUDIENCE", "another")
    assert "another audience" in run("inspect", new).output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("create", "--targets", "score"), "keygen"),
        (("create",), "--targets"),
        (("create", "--targets", " , "), "names"),
        (("create", "--targets", "a", "--groups", "predict,all"), "expected groups of predict"),
        (("create", "--targets", "a", "--expires", "1y"), "expected 30d"),
        (("create", "--targets", "a", "--expires", "0d"), "expected 30d"),
        (("create", "--targets", "a", "--rate", "1/week"), "100/minute"),
        (("inspect", "this is not one"), "not a token"),
        (("create", "--targets", "a", "--subject", ""), "1 to 200 printable characters"),
        (("create", "--targets", "a", "--subject", " "), "1 to 200 printable characters"),
        (("create", "--targets", "a", "--subject", "two\nlines"), "printable"),
        (("create", "--targets", "a b"), "expected names of targets"),
        (("create", "--targets", "sco*"), "expected names of targets"),
        (("api-key", "two words", "--targets", "a"), "NAME"),
        (("api-key", "", "--targets", "a"), "NAME"),
    ],
)
def test_invalid_options_are_rejected(
    run: Callable[..., Result], arguments: tuple[str, ...], words: str
) -> None:
    result = run(*arguments)
    assert result.exit_code != 0
    assert words in result.output
    assert "Traceback" not in result.output


PROJECT = """
import mmf_core as mmf


@mmf.target(returns=mmf.Float())
def score(x=mmf.Float()):
    return x


@mmf.target(returns=mmf.Float())
def forecast(x=mmf.Float()):
    return x
"""


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        ("score,forecast", ""),
        ("*", ""),
        ("scor", "targets of this project, of score, forecast, got scor; did you mean score?"),
        ("score,nothing", "of score, forecast, got nothing\n"),
    ],
)
def test_targets_must_be_in_the_project(tmp_path: Path, targets: str, words: str) -> None:
    (tmp_path / "main.py").write_text(PROJECT)
    command = [sys.executable, "-m", "mmf_core", "token", "api-key", "ci", "--targets", targets]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(PAYLOAD), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    if words:
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr
    else:
        assert done.returncode == 0, done.stderr
        assert f"targets={targets} groups=predict" in done.stdout


def test_files_without_a_key_are_rejected(run: Callable[..., Result], tmp_path: Path) -> None:
    Path("token-key.pem").write_text("not a key")
    assert "cannot be read" in run("create", "--targets", "a").output
    Path("token-keys.json").write_text("{}")
    assert run("keygen", "--key", "b.pem").exit_code == 1
    assert not (tmp_path / "b.pem").exists()


def test_api_key_command_prints_the_key_and_its_line(run: Callable[..., Result]) -> None:
    key, line = run(
        "api-key", "ci", "--targets", "score", "--groups", "predict,docs", "--rate", "5/second"
    ).output.splitlines()
    assert line == f"ci {hash_of(key)} targets=score groups=predict,docs rate=5/second"
    ((_, caller),) = read_api_keys(line)
    assert (caller.name, caller.targets, caller.rate) == ("ci", {"score"}, (5, 1))
    assert key not in line
    assert len(key) == 47


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("MMF_TOKEN_KEYS", "no-file.json", "expected a file, or public keys"),
        ("MMF_TOKEN_KEYS", '{"keys": []}', "1 to 100 keys"),
        ("MMF_TOKEN_KEYS", '{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}', "got RSA"),
        ("MMF_TOKEN_KEYS", '{"kty": "OKP", "crv": "Ed448", "x": "AA"}', "got OKP Ed448"),
        ("MMF_TOKEN_KEYS", '{"kty": "oct", "k": "c2VjcmV0"}', "got oct"),
        ("MMF_TOKEN_KEYS", '{"kty": "OKP", "crv": "Ed25519", "x": "AA", "d": "AA"}', "private"),
        ("MMF_TOKEN_KEYS", "{", "Expecting"),
        ("MMF_TOKEN_KEYS", "A" * 42, "43 characters"),
        ("MMF_TOKEN_REVOKED", "no-file.txt", "No such file"),
        ("MMF_API_KEYS", "ci secret", "sha256:HASH"),
        ("MMF_API_KEYS", f"ci {hash_of('x')} targets=a groups=all", "got all"),
        ("MMF_API_KEYS", f"ci {hash_of('x')} target=a", "got target="),
        ("MMF_API_KEYS", f"ci {hash_of('x')} targets=a targets=*", "each option once"),
        ("MMF_API_KEYS", f"ci {hash_of('x')};ci {hash_of('y')}", "each name once"),
        ("MMF_RATE_LIMIT", "many", "100/minute"),
        ("MMF_RATE_LIMIT_REDIS", "http://127.0.0.1", "redis://"),
    ],
)
def test_invalid_settings_stop_the_start(
    name: str, text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingError, match=name) as refused:
        AccessSettings.from_env({name: text})
    assert words in str(refused.value)
    if name in {"MMF_TOKEN_KEYS", "MMF_API_KEYS", "MMF_RATE_LIMIT_REDIS"}:
        assert text not in str(refused.value), "the message repeats a secret"


@pytest.mark.parametrize("count", [1, 3, 50])
def test_setting_may_have_any_number_of_api_keys(count: int) -> None:
    lines = [f"caller{number} {hash_of(str(number))} targets=*" for number in range(count)]
    settings = AccessSettings.from_env({"MMF_API_KEYS": ";".join(lines)})
    assert len(read_api_keys(settings.api_keys)) == count


def test_public_keys_are_read_from_base64_and_jwk(signer: Signer) -> None:
    value = encode(signer.public)
    assert read_public_keys(f"{value}\n") == {key_id(signer.public): signer.public}
    jwk = public_jwk(signer.public)
    two = {"keys": [jwk, {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43, "kid": "b"}]}
    assert list(read_public_keys(json.dumps(two))) == [jwk["kid"], "b"]
    assert read_public_keys(json.dumps(jwk)) == {jwk["kid"]: signer.public}
    with pytest.raises(ValueError, match="each kid once"):
        read_public_keys(json.dumps({"keys": [jwk, jwk]}))
    # RFC 8037, A.3
    example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert list(read_public_keys(example)) == ["kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"]


def replace(file: Path, text: str) -> None:
    """Replace a file as an editor does."""
    temporary = file.with_suffix(".new")
    temporary.write_text(text)
    temporary.replace(file)


def test_revocation_file_may_have_comments() -> None:
    """Regression: an id with a # revoked another token instead of its own."""
    text = "# lost laptops\none # of Ann\ntwo\t#of Ben\nabc#1\n  # none\n\n"
    assert read_revoked(text) == {"one", "two", "abc#1"}


def test_revocation_file_without_keys_is_reported_at_start(
    signer: Signer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    revoked, text = tmp_path / "revoked.txt", "MMF_TOKEN_REVOKED ignored: no tokens are accepted"
    revoked.write_text("one\n")
    monkeypatch.setenv("MMF_TOKEN_REVOKED", str(revoked))
    monkeypatch.setenv("MMF_API_KEYS", f"ci {hash_of('x')} targets=*")
    monkeypatch.delenv("MMF_TOKEN_KEYS")
    prepare()
    assert f"{text} (set MMF_TOKEN_KEYS)" in caplog.text
    caplog.clear()
    monkeypatch.setenv("MMF_TOKEN_KEYS", str(signer.file))
    prepare()
    assert text not in caplog.text


def test_revoked_tokens_rotated_keys_and_removed_api_keys_are_refused_at_once(
    signer: Signer,
    make_service: Callable[[], Flask],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(sources, "INTERVAL", 0)
    revoked, keys = tmp_path / "revoked.txt", tmp_path / "api-keys.txt"
    revoked.write_text("# none so far\n")
    key = new_api_key()
    keys.write_text(f"# ours\nreports {hash_of(key)} targets=* groups=predict\n")
    monkeypatch.setenv("MMF_TOKEN_REVOKED", str(revoked))
    monkeypatch.setenv("MMF_API_KEYS", str(keys))
    client = make_service().test_client()

    def status(token: str) -> int:
        return client.post("/score", json=BODY, headers=bearer(token)).status_code

    token, other = signer.token(), signer.token(jti="two")
    assert [status(value) for value in (token, other, key)] == [200, 200, 200]
    replace(revoked, "one # of a laptop that was lost\nthree\n")
    assert [status(value) for value in (token, other, key)] == [401, 200, 200]
    replace(keys, "# none\n")
    assert [status(value) for value in (token, other, key)] == [401, 200, 401]
    revoked.unlink()  # its last content still applies
    assert [status(value) for value in (token, other)] == [401, 200]
    assert "MMF_TOKEN_REVOKED: the file cannot be read, keeping its last content" in caplog.text
    replace(revoked, "")
    assert status(token) == 200
    replace(signer.file, "{broken")
    assert status(token) == 200
    another = {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}
    replace(signer.file, json.dumps({"keys": [another]}))
    assert [status(value) for value in (token, other)] == [401, 401]
    replace(signer.file, json.dumps({"keys": [another, public_jwk(signer.public)]}))
    assert [status(value) for value in (token, other)] == [200, 200]


def test_token_without_kid_is_verified_with_each_key(
    signer: Signer, make_service: Callable[[], Flask]
) -> None:
    claims = signer.claims()
    unnamed = jwt.encode(claims, signer.key, algorithm="EdDSA")
    first = {"kty": "OKP", "crv": "Ed25519", "x": "A" * 42 + "E"}
    signer.file.write_text(json.dumps({"keys": [first, public_jwk(signer.public)]}))
    client = make_service().test_client()
    assert client.post("/score", json=BODY, headers=bearer(unnamed)).status_code == 200
