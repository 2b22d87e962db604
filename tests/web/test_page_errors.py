"""Errors in the page's language: every message is translated, and nothing else changes."""

import ast
import io
import re
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

import mmf_core as mmf
from cpu_time import at_most
from error_shape import assert_problem
from mmf_core.page.translations import LANGUAGES
from mmf_core.page.translations.errors import CATALOGUES, MAX_TEXT, MAX_TEXTS, translate_errors
from mmf_core.settings import MIB

CORE = Path(mmf.__file__).parent
RAISED = re.compile(
    r"(RequestError|InvalidValue|BodyTooLarge|UnsupportedFormat|ErrorDetail|Overloaded"
    r"|DeadlineExceeded|ClientTooSlow|TasksUnavailable|UnknownTask|TaskConflict|ResultGone"
    r"|RetrainingForbidden|RetrainingConflict|ModelRejected|ModelNotStored"
    r"|invalid_token|_refused|TooManyRequests)"
)
PROGRAMS = """
    json_xml json_yaml json_protobuf json_msgpack json_values file_binary table_pyarrow
    content_encoding charsets requests bodies arguments request_parts routes tensors
"""
"""Modules with few messages that a form of the page can cause."""


def russian(text: str) -> str:
    (translated,) = translate_errors([text], "ru")
    return translated


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('expected a number, got "abc"', 'ожидается число, получено: "abc"'),
        (
            "expected a number >= 0 and <= 14, got an empty cell",
            "ожидается число от 0 до 14, получено: пустая ячейка",
        ),
        (
            'expected one of "red", "white", got "blue"',
            'ожидается одно из значений "red", "white", получено: "blue"',
        ),
        (
            'expected a whole number, got "1 000; 2"; send it in smaller pieces',
            'ожидается целое число, получено: "1 000; 2"; пришлите по частям',
        ),
        (
            'missing columns: a, b; the table has "A" instead; 2 cells do not match the schema',
            'нет столбцов: a, b; вместо них в таблице есть "A"; ячеек, не подходящих по типу: 2',
        ),
        ('missing column; did you mean "A"?', 'нет столбца; может быть, "A"?'),
        ("data: missing columns: a; n: missing", "data: нет столбцов: a; n: не задано"),
        (
            "unsupported Content-Type image/png; send text/csv, application/json",
            "такие файлы здесь не читаются; пришлите CSV, JSON",
        ),
        ("score is at its limit of 1 call", "одновременных вызовов «score» — не больше 1"),
        ("score is at its limit of 17 calls", "одновременных вызовов «score» — не больше 17"),
        (
            "this worker is at its limit of 1 stream (set MMF_MAX_STREAMS)",
            "сервис уже отвечает потоками стольким, скольким может: 1",
        ),
        ("the house is sold", "the house is sold"),
        ("", ""),
    ],
)
def test_russian_messages(text: str, expected: str) -> None:
    assert russian(text) == expected


def test_english_uses_common_format_names() -> None:
    sheet = mmf.XLSX.media_type
    (text,) = translate_errors([f"unsupported Content-Type x/y; send text/csv, {sheet}"], "en")
    assert text == "this kind of file is not read here; send CSV, Excel"


def messages() -> Iterator[tuple[str, str]]:
    """Find the error messages in the source: the texts passed to constructors of errors."""
    folders = ("access", "codecs", "descriptors", "execution", "tasks", "retraining")
    for path in chain.from_iterable((CORE / folder).glob("*.py") for folder in folders):
        if path.stem in PROGRAMS.split():
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_error = (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and RAISED.fullmatch(node.func.id)
            )
            arguments = [each for each in node.args if not is_caller(each)] if is_error else []
            text = template(arguments[0]) if arguments else ""
            if text and not text.startswith("7"):  # a constant used by several errors
                yield f"{path.stem}:{node.lineno}", text


def is_caller(node: ast.expr) -> bool:
    """Return whether an argument names the rejected object, rather than the remedy."""
    return isinstance(node, ast.Name) and node.id in {"self", "caller"}


def template(node: ast.expr) -> str:
    """Return a text with "7" for interpolated values, or nothing if it is not a literal."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "7" for part in node.values]
        return "".join(map(str, parts)).replace("; 7", "")  # a hint from a constant
    return ""


@pytest.mark.parametrize(("place", "text"), list(messages()))
def test_russian_is_complete(place: str, text: str) -> None:
    """A new message needs a line in mmf_core/page/translations/russian_errors.py."""
    del place
    translated = russian(text)
    english = re.sub(
        r"\b(JSON|UTF|XML|CSV|DTD|PNG|JPEG|npy|numpy\.save|data|columns|index|a|or)\b",
        "",
        translated,
    )
    assert re.search("[\u0430-\u044f]", translated), text
    assert not re.search(r"[a-z]{3,} [a-z]{2,}", english), translated


def test_catalogues_are_complete() -> None:
    assert CATALOGUES.keys() == LANGUAGES.keys()
    for catalogue in CATALOGUES.values():
        for key, text in catalogue.items():
            names = set(re.findall(r"\{\w*\}", key))
            assert set(re.findall(r"\{\w*\}", text)) <= names
            assert "}{" not in key


def test_hostile_texts_are_translated_quickly() -> None:
    hostile = ["expected " * 440, "; " * 2_000, ": " * 2_000, "a >= " * 800, "got " * 1_000]
    texts = [text[:MAX_TEXT] for text in hostile] * (2 * MAX_TEXTS // len(hostile))
    with at_most(seconds=3):
        assert len(translate_errors(texts, "ru")) == len(texts)
    long = "expected text" + "!" * MAX_TEXT
    assert translate_errors([long], "ru") == [long]


@pytest.fixture
def client(serve_function: Callable[..., FlaskClient]) -> FlaskClient:
    table = mmf.DataFrame(schema={"a": float})

    def score(data: Any = table) -> Any:
        return data

    return serve_function(score, returns=mmf.DataFrame())


def test_page_requests_translations(client: FlaskClient) -> None:
    problem = client.post("/score", data={"data": (io.BytesIO(b"a\nx\n"), "t.csv")}).get_json()
    texts = [problem["detail"], problem["errors"][0]["message"]]
    response = client.post("/page/errors/ru", json=texts)
    assert response.get_json() == [
        "ячеек, не подходящих по типу: 1",
        'ожидается число, получено: "x"',
    ]
    for body in (1, [1], {"a": "b"}):
        assert_problem(client.post("/page/errors/ru", json=body), 400, "list of texts")
    assert_problem(client.post("/page/errors/xx", json=[]), 404)
    assert_problem(client.post("/page/errors/ru", json=["x" * MIB]), 413)
