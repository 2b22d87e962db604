"""The calls of the load test, from the description of a running service."""

import json
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from loadtests.call import Call, Skipped
from loadtests.calls import find_calls, weighted
from loadtests.service import LoadTestError, Service
from services import serve
from web_server import WebServer

APP = """
import random

import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()
target = registry.target
PICTURE = mmf.Img()


@target(returns=mmf.DataFrame(format=mmf.XLSX))
def score(data=mmf.DataFrame(schema={"a": float, "name": str})):
    return data.assign(twice=data["a"] * 2)


@target(returns=mmf.Dict())
def swap(data=mmf.Dict()):
    return {"name": list(data)[0], "value": 1.5}


@target(returns=mmf.Array())
def named(data=mmf.Array(columns=["a", "b"])):
    return data * 2


@target(returns=mmf.Integer())
def both(photo=PICTURE, table=mmf.DataFrame(), times=mmf.Integer(default=2)):
    return len(photo) * len(table) * times


@target(returns=PICTURE)
def mirror(photo=PICTURE, by=mmf.String(default="x", choices=["x", "y"])):
    return photo[:, ::-1]


@target(returns=mmf.File())
def copied(file=mmf.File()):
    return file


@target(returns=mmf.Float())
def half(number=mmf.Float()):
    return number / 2


@target()
def silent(text=mmf.String()):
    pass


@target(returns=mmf.Float())
def luck():
    return random.random()


@target(returns=mmf.String())
def picky(text=mmf.String()):
    if text != "secret":
        raise mmf.InvalidValue("not this text")
    return text


@target(returns=mmf.String())
def broken(text=mmf.String()):
    raise RuntimeError("a secret")


@target(returns=mmf.String(), example={"text": "ha", "times": 3})
def thrice(text=mmf.String(), times=mmf.Integer(default=1), end=mmf.String(default="")):
    return text * times + end


@target(returns=mmf.String(), examples={"low": {"text": "ha"}, "high": {"text": "haha"}})
def loud(text=mmf.String()):
    return text.upper()


registry.artifact("model.joblib")


@target(returns=mmf.ModelFile("model.joblib"))
def retrain(data=mmf.DataFrame(default=None)):
    raise RuntimeError("a load test trains nothing")


app = create_app(registry)
"""
BROKEN = "/broken"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("load")
    (folder / "model.joblib").touch()
    with (folder / "log").open("wb") as log, serve("gunicorn", folder, log, app=APP) as running:
        yield Service(running.url)


@pytest.fixture(scope="module")
def results(service: Service) -> list[Call | Skipped]:
    return list(find_calls(service))


def calls_by_name(results: list[Call | Skipped]) -> dict[str, Call]:
    return {call.name: call for call in results if isinstance(call, Call)}


def skipped(results: list[Call | Skipped]) -> dict[str, str]:
    return {result.name: result.reason for result in results if isinstance(result, Skipped)}


def problem(service: Service, call: Call) -> str | None:
    return call.expected.problem(*service.request(call.path, call.body, call.headers))


def test_targets_that_train_are_not_called(results: list[Call | Skipped]) -> None:
    assert [result.name for result in results if "retrain" in result.name] == []


def test_every_response_is_correct(
    service: Service, results: list[Call | Skipped], subtests: pytest.Subtests
) -> None:
    for name, call in calls_by_name(results).items():
        if BROKEN not in name:
            with subtests.test(name):
                assert problem(service, call) is None


@pytest.mark.parametrize(
    ("route", "formats"),
    [
        ("score", "arrows csv feather form json jsonl parquet tsv xlsx xml"),
        ("swap", "form json msgpack pb xml yaml"),
        ("named", "csv form json npy"),
        ("both", "form json"),
        ("mirror", "form jpg json png webp"),
        ("copied", "bin form json"),
        ("half", "fields form json txt"),
        ("silent", "fields form json txt"),
        ("luck", "json"),
    ],
)
def test_each_format_that_a_target_accepts_is_called(
    results: list[Call | Skipped], route: str, formats: str
) -> None:
    names = {name for name in calls_by_name(results) if name.startswith(f"/{route} ")}
    assert names == {f"/{route} ({form})" for form in formats.split()}


def test_response_has_the_format_of_the_request(results: list[Call | Skipped]) -> None:
    calls_made = calls_by_name(results)
    for name, media_type in {
        "/score (csv)": "text/csv",
        "/score (parquet)": "application/vnd.apache.parquet",
        "/mirror (png)": "image/png",
        "/score (form)": "application/json",
        "/half (txt)": "text/plain",
    }.items():
        assert (
            calls_made[name].headers["Accept"] == calls_made[name].expected.media_type == media_type
        )


def test_format_without_a_codec_is_skipped(results: list[Call | Skipped]) -> None:
    reasons = skipped(results)
    for name in ("/score (xls)", "/score (ods)", "/mirror (gif)"):
        assert reasons[name] == "no codec writes it"


def test_rejected_example_is_skipped_with_a_remedy(results: list[Call | Skipped]) -> None:
    assert skipped(results)["/picky"] == "422 not this text; write example= in main.py"


def test_example_of_the_author_is_sent(results: list[Call | Skipped]) -> None:
    call = calls_by_name(results)["/thrice (json)"]
    assert (json.loads(call.body), call.path) == ("ha", "/thrice?times=3")
    assert call.expected.value == "hahaha"


def test_first_named_example_is_sent_in_every_format(results: list[Call | Skipped]) -> None:
    values = {
        name: call.expected.value
        for name, call in calls_by_name(results).items()
        if name.startswith("/loud")
    }
    assert values == {
        **dict.fromkeys(["/loud: low (json)", "/loud: low (txt)"], "HA"),
        **dict.fromkeys(["/loud: low (form)", "/loud: low (fields)"], "HA"),
        "/loud: high (json)": "HAHA",
    }


def test_failing_target_is_reported(service: Service, results: list[Call | Skipped]) -> None:
    text = problem(service, calls_by_name(results)["/broken (json)"])
    assert text is not None
    assert text.startswith("status 500")


def test_different_result_is_a_failure(service: Service, results: list[Call | Skipped]) -> None:
    calls_made = calls_by_name(results)
    half, score = calls_made["/half (json)"], calls_made["/score (xlsx)"]
    reply = service.request("/half", b"123", half.headers)
    assert half.expected.problem(*reply) == "the result differs from the one at the start"
    reply = service.request("/score", b'[{"a": 9, "name": "x"}]', {**score.headers, **JSON_BODY})
    assert score.expected.problem(*reply) == "the result differs from the one at the start"


JSON_BODY = {"Content-Type": "application/json"}


def test_other_protocols_are_called(service: Service, results: list[Call | Skipped]) -> None:
    calls_made = calls_by_name(results)
    for path in ("/invocations/score", "/v2/models/score/infer"):
        assert problem(service, calls_made[f"{path} (json)"]) is None


# Weights


def names(calls: list[Call]) -> list[str]:
    return [call.name for call in calls]


def test_only_targets_are_called_by_default(results: list[Call | Skipped]) -> None:
    all_calls = list(calls_by_name(results).values())
    assert {next(iter(call.words & {"targets", "v2", "mlflow"})) for call in all_calls} == {
        *("targets", "v2", "mlflow")
    }
    chosen = weighted(all_calls, {})
    assert all("targets" in call.words for call in chosen)
    assert len(set(names(chosen))) == len(chosen)
    assert all("v2" in call.words for call in weighted(all_calls, {"targets": 0, "v2": 1}))


def test_weights_of_several_words_are_multiplied(results: list[Call | Skipped]) -> None:
    repeated = names(
        weighted(list(calls_by_name(results).values()), {"score": 5, "xlsx": 3, "half": 0})
    )
    assert repeated.count("/score (xlsx)") == 15
    assert repeated.count("/score (csv)") == 5
    assert repeated.count("/swap (json)") == 1
    assert "/half (json)" not in repeated


def test_weight_for_an_unknown_word_is_rejected(results: list[Call | Skipped]) -> None:
    with pytest.raises(LoadTestError, match="LOAD_WEIGHTS: unknown word sorce; expected"):
        weighted(list(calls_by_name(results).values()), {"sorce": 5})


# Services that cannot be tested


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:1", "http://127.0.0.1:1 cannot be reached: .*refused"),
        ("127.0.0.1:8000", "expected a URL"),
        ("", "expected a URL"),
        ("http://[", "cannot be reached|expected a URL"),
        ("file:///etc/passwd", "expected a URL"),
    ],
)
def test_unreachable_service_is_reported(url: str, message: str) -> None:
    with pytest.raises(LoadTestError, match=message):
        list(find_calls(Service(url)))


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"\xff", b""])
def test_invalid_description_is_reported(content: bytes) -> None:
    with WebServer() as server:
        server.content = content
        service = Service(server.url.partition("/models")[0])
        with pytest.raises(LoadTestError, match="is not a description: status 200"):
            list(find_calls(service))
        server.statuses = [HTTPStatus.NOT_FOUND]
        with pytest.raises(LoadTestError, match="status 404"):
            list(find_calls(service))
