"""Forged, stolen, expired and incorrectly sent tokens are refused."""

import base64
import hashlib
import hmac
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask
from flask.testing import FlaskClient
from signing import AUDIENCE, HOUR, Signer, bearer

from error_shape import assert_problem
from mmf_core.access.api_keys import caller_of, hash_of, new_api_key, read_api_keys
from mmf_core.access.errors import Unauthorized
from mmf_core.access.key_set import key_id

BODY = {"x": 1.5}


def assert_refused(
    client: FlaskClient, headers: dict[str, str], status: int = 401, *words: str
) -> Any:
    response = client.post("/score", json=BODY, headers=headers)
    assert_problem(response, status, *words)
    challenge = response.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="mmf"')
    return challenge


def base64url(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def test_valid_token_is_accepted(client: FlaskClient, signer: Signer) -> None:
    response = client.post("/score", json=BODY, headers=signer.headers())
    assert (response.status_code, response.get_json()) == (200, {"result": 3.0})
    for scheme in ("bearer", "BEARER"):  # RFC 9110, 11.1
        headers = {"Authorization": f"{scheme}  {signer.token()}"}
        assert client.post("/score", json=BODY, headers=headers).status_code == 200


def test_challenge_for_a_missing_token_has_no_error(client: FlaskClient) -> None:
    assert "error" not in assert_refused(client, {}, 401, "a token is missing")
    assert "error" not in assert_refused(client, {"Authorization": "Basic Y2k6cGFzcw=="})


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"exp": int(time.time()) - 1}, "expired"),
        ({"nbf": int(time.time()) + HOUR}, "not valid yet"),
        ({"aud": "another"}, "audience"),
        ({"aud": [AUDIENCE[:-1], AUDIENCE + "2"]}, "audience"),
        ({"exp": None}, "no exp"),
        ({"aud": None}, "no aud"),
        ({"sub": None}, "no sub"),
        ({"sub": ""}, "sub"),
        ({"sub": "two\nlines"}, "sub"),
        ({"sub": "x" * 201}, "sub"),
        ({"jti": "two\nlines"}, "jti"),
        ({"exp": "never"}, "cannot be verified"),
        ({"exp": 1e400}, "cannot be verified"),
        ({"exp": 10**400}, "expected exp as a number"),
        ({"targets": {"score": True}}, "targets"),
        ({"targets": [["score"]]}, "targets"),
        ({"groups": 7}, "groups"),
        ({"rate": "as often as I like"}, "rate"),
        ({"rate": 100}, "rate"),
    ],
)
def test_invalid_claims_are_refused(
    client: FlaskClient, signer: Signer, changed: dict[str, Any], reason: str
) -> None:
    challenge = assert_refused(client, signer.headers(**changed), 401, reason)
    assert 'error="invalid_token"' in challenge


def test_verified_token_expires(
    client: FlaskClient, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = signer.headers()
    assert client.post("/score", json=BODY, headers=headers).status_code == 200
    later = time.time() + HOUR
    monkeypatch.setattr("mmf_core.access.tokens.time.time", lambda: later)
    assert_refused(client, headers, 401, "expired")


def test_unsigned_token_is_refused(client: FlaskClient, signer: Signer) -> None:
    for name in ("none", "None", "NONE", "nOnE"):
        unsigned = f"{base64url({'alg': name, 'typ': 'JWT'})}.{base64url(signer.claims())}."
        assert_refused(client, bearer(unsigned))
        assert_refused(client, bearer(f"{unsigned}AAAA"), 401, "alg")


def test_hmac_with_the_public_key_is_refused(client: FlaskClient, signer: Signer) -> None:
    public = signer.key.public_key()
    secrets = [
        signer.public,
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        signer.file.read_bytes(),
    ]
    header = {"alg": "HS256", "typ": "JWT", "kid": key_id(signer.public)}
    content = f"{base64url(header)}.{base64url(signer.claims())}"
    for secret in secrets:
        signature = hmac.digest(secret, content.encode(), "sha256")
        text = base64.urlsafe_b64encode(signature).decode().rstrip("=")
        assert_refused(client, bearer(f"{content}.{text}"), 401, "alg")


def test_signature_by_another_key_or_curve_is_refused(client: FlaskClient, signer: Signer) -> None:
    claims, key_header = signer.claims(), {"kid": key_id(signer.public)}
    keys = [(Ed25519PrivateKey.generate(), "EdDSA"), (Ed448PrivateKey.generate(), "EdDSA")]
    for key, algorithm in [*keys, (ec.generate_private_key(ec.SECP256R1()), "ES256")]:
        for headers in (key_header, {}):
            assert_refused(
                client, bearer(jwt.encode(claims, key, algorithm=algorithm, headers=headers))
            )


def test_tampered_token_is_refused(client: FlaskClient, signer: Signer) -> None:
    header, _, signature = signer.token(targets=["score2"]).split(".")
    all_claims = base64url(signer.claims())
    assert_refused(client, bearer(f"{header}.{all_claims}.{signature}"), 401, "cannot be verified")
    token = signer.token()
    for position in range(0, len(token), 7):
        replacement = "A" if token[position] != "A" else "B"
        tampered = token[:position] + replacement + token[position + 1 :]
        if decoded_parts(tampered) != decoded_parts(token):
            assert_refused(client, bearer(tampered), 401)


def decoded_parts(token: str) -> list[bytes]:
    """Return the decoded parts of a token; the last base64 character has unused bits."""
    return [base64.urlsafe_b64decode(f"{part}==") for part in token.split(".")]


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null",
        "/etc/passwd",
        "file:///etc/passwd",
        "https://evil.example/key",
        "' OR '1'='1",
        "",
        "x" * 1000,
        7,
        ["a"],
        {"a": 1},
        None,
    ],
)
def test_kid_selects_configured_keys_only(client: FlaskClient, signer: Signer, kid: Any) -> None:
    header = {"alg": "EdDSA", "typ": "JWT", "kid": kid}
    content = f"{base64url(header)}.{base64url(signer.claims())}"
    empty = hmac.digest(b"", content.encode(), "sha256") * 2
    signature = base64.urlsafe_b64encode(empty).decode().rstrip("=")
    assert_refused(client, bearer(f"{content}.{signature}"))


def test_keys_in_the_header_of_a_token_are_ignored(client: FlaskClient, signer: Signer) -> None:
    attacker_key = Ed25519PrivateKey.generate()
    public = attacker_key.public_key().public_bytes_raw()
    raw = base64.urlsafe_b64encode(public).decode().rstrip("=")
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": raw, "kid": "mine"}
    for headers in (
        {"jwk": jwk},
        {"jwk": jwk, "kid": "mine"},
        {"jku": "http://127.0.0.1:1/keys.json", "kid": "mine"},
        {"x5u": "http://127.0.0.1:1/"},
    ):
        forged = jwt.encode(signer.claims(), attacker_key, algorithm="EdDSA", headers=headers)
        assert_refused(client, bearer(forged))


def test_unsupported_critical_header_is_refused(client: FlaskClient, signer: Signer) -> None:
    assert_refused(client, bearer(signer.token({"crit": ["exp"], "exp": 1})), 401)


def test_long_and_malformed_tokens_are_refused(client: FlaskClient, signer: Signer) -> None:
    assert_refused(client, signer.headers(targets=["x" * 10_000]), 401, "4096 characters")
    for text in ("a.b", "a.b.c.d", "..", "e30.e30.", "a" * 10_000, "=", "a.b.c=", "é.a.b"):
        challenge = client.post(
            "/score", json=BODY, headers={"Authorization": f"Bearer {text}"}
        ).headers["WWW-Authenticate"]
        assert "error=" in challenge
    deep = base64.urlsafe_b64encode(b"[" * 2000).decode().rstrip("=")
    started = time.perf_counter()
    assert_refused(client, bearer(f"{deep}.e30.AA"))
    assert time.perf_counter() - started < 1


def test_repeated_authorization_header_is_refused(client: FlaskClient, signer: Signer) -> None:
    valid = signer.headers()["Authorization"]
    for first, second in (
        (valid, valid),
        (valid, "Bearer x"),
        ("Bearer x", valid),
        ("Basic x", valid),
    ):
        headers = [("Authorization", first), ("Authorization", second)]
        response = client.post("/score", json=BODY, headers=headers)
        assert response.status_code == 400, (first, second)
        assert 'error="invalid_request"' in response.headers["WWW-Authenticate"]
    assert_refused(client, {"Authorization": "Bearer"}, 400)
    assert_refused(client, {"Authorization": f"{valid} {valid}"}, 400)


def test_token_in_the_url_is_refused_and_redacted(
    client: FlaskClient, signer: Signer, caplog: pytest.LogCaptureFixture
) -> None:
    token, key = signer.token(), new_api_key()
    for query in (f"access_token={token}", f"x=1&access_token={token}", f"t={token}", f"k={key}"):
        for headers in ({}, signer.headers()):
            response = client.post(f"/score?{query}", json=BODY, headers=headers)
            assert_problem(response, 400, "never in the URL")
    assert client.get(f"/?access_token={token}").status_code == 400
    for path in (f"/{token}", f"/score/{token}", f"/tasks/{key}", f"/%2F{key}", f"/health/{key}"):
        for headers in ({}, signer.headers()):
            response = client.get(path, headers=headers)
            assert_problem(response, 400, "never in the URL")
            assert not {token, key} & set(response.json["instance"].split("/"))
            assert "***" in response.json["instance"]
    assert "refused" in caplog.text
    assert token not in caplog.text
    assert key not in caplog.text


@pytest.mark.parametrize(
    "name",
    ["report.eyJournal", "eyJournal.eyJournal", "the.eyJournal.eyJournal.csv", f"mmf_{'a' * 44}"],
)
def test_name_that_resembles_a_token_is_accepted(
    client: FlaskClient, signer: Signer, name: str
) -> None:
    response = client.post(f"/score?x=1.5&x_name={name}", headers=signer.headers())
    assert "never in the URL" not in response.text
    response = client.get(f"/score?{name}", headers=signer.headers())
    assert response.status_code == 200


def test_token_in_a_form_or_cookie_is_ignored(client: FlaskClient, signer: Signer) -> None:
    client.set_cookie("access_token", signer.token())
    response = client.post("/score", data={"access_token": signer.token()})
    assert_problem(response, 401, "missing")


def test_scope_matches_whole_target_names(client: FlaskClient, signer: Signer) -> None:
    cases = {
        "score": (["score2"], ["scor"], ["score "], ["Score"], [], None, "score,score2", ["**"]),
        "score2": (["score"], "score", ["score2x"], ["score", "2"]),
    }
    for target, scopes in cases.items():
        for scope in scopes:
            headers = signer.headers(targets=scope)
            response = client.post(f"/{target}", json=BODY, headers=headers)
            assert_problem(response, 403, f'"{target}"')
            assert 'error="insufficient_scope"' in response.headers["WWW-Authenticate"]
    for scope in (["score"], "score", ["score", "score2"], ["*"], "*"):
        response = client.post("/score", json=BODY, headers=signer.headers(targets=scope))
        assert response.status_code == 200, scope


def test_api_key_grants_its_scope_only(
    make_service: Callable[[], Flask], monkeypatch: pytest.MonkeyPatch, signer: Signer
) -> None:
    monkeypatch.delenv("MMF_TOKEN_KEYS")
    key = new_api_key()
    monkeypatch.setenv("MMF_API_KEYS", f"reports {hash_of(key)} targets=score groups=predict")
    client = make_service().test_client()
    assert client.post("/score", json=BODY, headers=bearer(key)).status_code == 200
    assert client.post("/score2", json=BODY, headers=bearer(key)).status_code == 403
    assert client.get("/metrics", headers=bearer(key)).status_code == 403
    for invalid_key in (
        key[:-1],
        key + "A",
        key.swapcase(),
        "mmf_",
        hash_of(key)[7:],
        signer.token(),
    ):
        assert_refused(client, bearer(invalid_key), 401, "API key")


def test_refusal_time_reveals_nothing_about_a_key() -> None:
    """All hashes are compared, each in constant time."""
    keys = [new_api_key() for _ in range(50)]
    api_keys = read_api_keys("\n".join(f"c{n} {hash_of(key)}" for n, key in enumerate(keys)))

    def seconds(key: str) -> float:
        times = []
        for _ in range(300):
            started = time.perf_counter()
            with pytest.raises(Unauthorized):
                caller_of(key, api_keys)
            times.append(time.perf_counter() - started)
        return statistics.median(times)

    near_miss, unrelated = keys[0][:-1] + "-", new_api_key()
    assert hashlib.sha256(near_miss.encode()).digest() != api_keys[0].digest
    assert seconds(near_miss) < 2 * seconds(unrelated)
    assert seconds(unrelated) < 2 * seconds(near_miss)
    assert caller_of(keys[0], api_keys).name == "c0"
    assert caller_of(keys[-1], api_keys).name == "c49"
