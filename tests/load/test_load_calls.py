"""What the load test makes of a service's description, asked of a service that runs."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from loadtests import calls
from loadtests.call import Call, LeftOut
from loadtests.calls import find_calls, own_examples, weighted
from loadtests.service import Service, Unusable
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


app = create_app(registry)
"""
BROKEN = "/broken"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("load")
    with (folder / "log").open("wb") as log, serve("gunicorn", folder, log, app=APP) as running:
        yield Service(running.url)


@pytest.fixture(scope="module")
def found(service: Service) -> list[Call | LeftOut]:
    return list(find_calls(service, {}))


def made(found: list[Call | LeftOut]) -> dict[str, Call]:
    return {one.name: one for one in found if isinstance(one, Call)}


def left_out(found: list[Call | LeftOut]) -> dict[str, str]:
    return {one.name: one.reason for one in found if isinstance(one, LeftOut)}


def problem(service: Service, call: Call) -> str | None:
    return call.answer.problem(*service.ask(call.path, call.body, call.headers))


def test_every_call_is_answered_right(
    service: Service, found: list[Call | LeftOut], subtests: pytest.Subtests
) -> None:
    for name, call in made(found).items():
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
def test_each_format_that_a_target_takes_is_asked(
    found: list[Call | LeftOut], route: str, formats: str
) -> None:
    names = {name for name in made(found) if name.startswith(f"/{route} ")}
    assert names == {f"/{route} ({form})" for form in formats.split()}


def test_a_format_is_answered_in_itself(found: list[Call | LeftOut]) -> None:
    every = made(found)
    for name, media_type in {
        "/score (csv)": "text/csv",
        "/score (parquet)": "application/vnd.apache.parquet",
        "/mirror (png)": "image/png",
        "/score (form)": "application/json",
        "/half (txt)": "text/plain",
    }.items():
        assert every[name].headers["Accept"] == every[name].answer.media_type == media_type


def test_what_nothing_writes_is_told(found: list[Call | LeftOut]) -> None:
    told = left_out(found)
    for name in ("/score (xls)", "/score (ods)", "/mirror (gif)"):
        assert told[name] == "nothing here writes it"


def test_refused_example_is_told_and_can_be_replaced(
    service: Service, found: list[Call | LeftOut]
) -> None:
    assert "422 not this text; write a better example" in left_out(found)["/picky"]
    better = made(list(find_calls(service, {"picky": "secret"})))
    assert problem(service, better["/picky (json)"]) is None
    assert better["/picky (json)"].answer.value == "secret"


def test_own_example_of_several_arguments_is_laid_over(service: Service) -> None:
    one = made(list(find_calls(service, {"both": {"times": 5}})))["/both (json)"]
    assert one.answer.value == 5
    assert set(json.loads(one.body)) == {"photo", "table", "times"}


def test_a_target_that_fails_is_asked_and_fails(
    service: Service, found: list[Call | LeftOut]
) -> None:
    told = problem(service, made(found)["/broken (json)"])
    assert told is not None
    assert told.startswith("status 500")


def test_another_result_is_a_failure(service: Service, found: list[Call | LeftOut]) -> None:
    every = made(found)
    half, score = every["/half (json)"], every["/score (xlsx)"]
    reply = service.ask("/half", b"123", half.headers)
    assert half.answer.problem(*reply) == "another result than at the start"
    reply = service.ask("/score", b'[{"a": 9, "name": "x"}]', {**score.headers, **JSON_BODY})
    assert score.answer.problem(*reply) == "another result than at the start"


JSON_BODY = {"Content-Type": "application/json"}


def test_other_protocols(service: Service, found: list[Call | LeftOut]) -> None:
    every = made(found)
    for path in ("/invocations/score", "/v2/models/score/infer"):
        assert problem(service, every[f"{path} (json)"]) is None


# Weights


def names(calls: list[Call]) -> list[str]:
    return [call.name for call in calls]


def test_targets_alone_are_asked_unless_told(found: list[Call | LeftOut]) -> None:
    every = list(made(found).values())
    assert {next(iter(one.words & {"targets", "v2", "mlflow"})) for one in every} == {
        *("targets", "v2", "mlflow")
    }
    chosen = weighted(every, {})
    assert all("targets" in one.words for one in chosen)
    assert len(set(names(chosen))) == len(chosen)
    assert all("v2" in one.words for one in weighted(every, {"targets": 0, "v2": 1}))


def test_weights_of_several_words_are_multiplied(found: list[Call | LeftOut]) -> None:
    asked = names(weighted(list(made(found).values()), {"score": 5, "xlsx": 3, "half": 0}))
    assert asked.count("/score (xlsx)") == 15
    assert asked.count("/score (csv)") == 5
    assert asked.count("/swap (json)") == 1
    assert "/half (json)" not in asked


def test_weight_of_nothing_is_refused(found: list[Call | LeftOut]) -> None:
    with pytest.raises(Unusable, match="LOAD_WEIGHTS: sorce is none of"):
        weighted(list(made(found).values()), {"sorce": 5})


# What cannot be used


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:1", "http://127.0.0.1:1 does not answer: .*refused"),
        ("127.0.0.1:8000", "the host is a URL"),
        ("", "the host is a URL"),
        ("http://[", "does not answer|the host is a URL"),
        ("file:///etc/passwd", "the host is a URL"),
    ],
)
def test_no_service(url: str, said: str) -> None:
    with pytest.raises(Unusable, match=said):
        list(find_calls(Service(url), {}))


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"\xff", b""])
def test_another_service(content: bytes) -> None:
    with WebServer() as server:
        server.content = content
        service = Service(server.url.partition("/models")[0])
        with pytest.raises(Unusable, match="is not a description: status 200"):
            list(find_calls(service, {}))
        server.statuses = [HTTPStatus.NOT_FOUND]
        with pytest.raises(Unusable, match="status 404"):
            list(find_calls(service, {}))


def test_own_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "examples.json"
    monkeypatch.setattr(calls, "EXAMPLES", file)
    assert own_examples() == {}
    file.write_text('{"score": [{"a": 1}]}')
    expected: Any = {"score": [{"a": 1}]}
    assert own_examples() == expected
    file.write_text("{")
    with pytest.raises(Unusable, match=r"examples\.json is not JSON"):
        own_examples()
