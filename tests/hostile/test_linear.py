"""Linear time: no pattern or scan over a client's bytes is quadratic.

A quadratic pattern can block a worker for half a minute on two kilobytes.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from importlib import import_module
from inspect import getsource
from pkgutil import walk_packages
from re import _constants as ops  # type: ignore[attr-defined] # the parser has no public name
from re import _parser as parser  # type: ignore[attr-defined]
from time import process_time
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header, parse_options_header

import mmf_core
import mmf_core as mmf
from mmf_core.codecs import (
    Format,
    Kind,
    csv_text,
    fast_records,
    find,
    shared_strings,
    xlsx_dimensions,
)
from mmf_core.codecs.json_yaml import JSONAsYAML
from mmf_core.codecs.table_ods import dimensions as ods_dimensions
from mmf_core.errors import RequestError
from mmf_core.tracing.traceparent import parse_traceparent
from mmf_core.web import create_app
from mmf_core.web.http.content_encoding import parse_content_encoding
from mmf_core.web.log_redaction import redactor

ATTEMPTS = 4
CSV: Any = find(Kind.TABLE, Format.CSV)
CATEGORIES = {
    ops.CATEGORY_DIGIT: "0",
    ops.CATEGORY_SPACE: " ",
    ops.CATEGORY_WORD: "a0",
    ops.CATEGORY_NOT_DIGIT: "a -",
    ops.CATEGORY_NOT_SPACE: "a0-",
    ops.CATEGORY_NOT_WORD: " -",
}
redact = redactor({"DB_PASSWORD": "aaaaaaaaab", "API_KEY": "keykeykey9"})


def seconds(run: Callable[[], object], times: int = 3) -> float:
    """Return the shortest of several times; rejected inputs count as well."""
    best = float("inf")
    for _ in range(times):
        started = process_time()
        with suppress(ValueError, RequestError):
            run()
        best = min(best, process_time() - started)
    return best


# The measured function, its argument by length, and a length that takes about a millisecond.
Case = tuple[Callable[[Any], object], Callable[[int], Any], int]


def sheet(cells: bytes) -> bytes:
    return b"<sheetData>" + cells + b"<c ></c></sheetData>"


def text_size(part: bytes) -> int:
    return shared_strings.text_size([b"<si>long</si>" * 2, part], 10)


def one_line(text: bytes) -> object:
    return JSONAsYAML().decode(text, {})


CASES: dict[str, Case] = {
    "shared texts: t=s in one tag": (text_size, lambda n: b't="s"' * n, 2_000),
    "shared texts: names": (text_size, lambda n: b"<si>" + b"<a" * n, 16_000),
    "sheet: a reference of letters": (
        xlsx_dimensions.dimensions,
        lambda n: sheet(b'<c r="' + b"A" * n + b'1"/>'),
        8_000,
    ),
    "sheet: a reference of digits": (
        xlsx_dimensions.dimensions,
        lambda n: sheet(b'<c r="A' + b"1" * n + b'"/>'),
        8_000,
    ),
    "sheet: references": (xlsx_dimensions.dimensions, lambda n: sheet(b" r " * n), 16_000),
    "sheet: spaces": (xlsx_dimensions.dimensions, lambda n: sheet(b" r" + b" " * n), 64_000),
    "sheet: cells": (
        xlsx_dimensions.dimensions,
        lambda n: b'<sheetData><c r="ZZ1"/>' + b'<c r="A1"' * n + b"</sheetData>",
        2_000,
    ),
    "ods: lines": (ods_dimensions, lambda n: b"<a>" + b"x\n" * n + b"</a>", 4_000),
    "ods: repeated rows": (
        ods_dimensions,
        lambda n: b"<table:table-row table:number-rows-repeated='" + b"1" * n + b"'/>",
        256_000,
    ),
    "records: braces": (lambda data: list(fast_records._pieces(data)), lambda n: b"[{" * n, 64_000),
    "records: separators": (
        lambda data: list(fast_records._pieces(data)),
        lambda n: b"[{" + b"} , " * n,
        64_000,
    ),
    "CSV: a quote that stays open": (
        lambda data: csv_text.check_width(data, ",", {}, "CSV"),
        lambda n: b'"' * (2 * n + 1),
        16_000,
    ),
    "CSV: quotes in a header": (
        lambda data: csv_text.check_width(data, ",", {}, "CSV"),
        lambda n: b'a"' + b',x"' * n,
        16_000,
    ),
    "CSV: quotes in short rows": (
        lambda data: csv_text.check_width(data, ",", {}, "CSV"),
        lambda n: b"a," * 1_000 + b"\n" + b'"x"y"\n' * n,
        16_000,
    ),
    "CSV: lines of blanks": (
        lambda data: csv_text.check_width(data, ",", {}, "CSV"),
        lambda n: b" " * n + b"x\n" + b" \n" * n,
        64_000,
    ),
    "CSV: empty lines": (
        lambda data: csv_text.check_width(data, ",", {}, "CSV"),
        lambda n: b"\r" * n,
        1_024_000,  # so that rows are counted in both
    ),
    "CSV: blank lines": (
        lambda data: csv_text.check_blank_lines(data, ",", {}),
        lambda n: b"a\n1" + b"\n \t" * n,
        64_000,
    ),
    "CSV: separators": (
        lambda data: CSV.decode(data, {}),
        lambda n: b"a;b\n" + b";" * n + b"\n",
        2_000,
    ),
    "CSV: quotes": (lambda data: CSV.decode(data, {}), lambda n: b"a;b\n" + b'"' * n, 16_000),
    "CSV: texts over lines": (
        lambda data: CSV.decode(data, {}),
        lambda n: b"a;b\n" + b';"\n' * n,
        8_000,
    ),
    "CSV: decimal commas": (
        lambda data: CSV.decode(data, {}),
        lambda n: b"a;b\n" + b"1,1;1.1\n" * n + b"1" * n + b",x\n",
        1_000,
    ),
    "CSV: a long number": (
        lambda data: CSV.decode(data, {}),
        lambda n: b"a,b\n" + b"1" * n + b"," + b"1." * n + b"\n",
        16_000,
    ),
    "YAML: digits": (one_line, lambda n: b"1" * n + b"x", 16_000),
    "YAML: anchors": (one_line, lambda n: b"".join(b"- &a%d x\n" % i for i in range(n)), 250),
    "YAML: keys": (one_line, lambda n: b"? a\n" * n, 250),
    "YAML: a text over lines": (one_line, lambda n: b'"' + b"\\\n" * n, 16_000),
    "log: parameters": (redact, lambda n: "?" + "key" * n, 4_000),
    "log: passwords": (redact, lambda n: "://a:" * n, 4_000),
    "log: colons": (redact, lambda n: "://" + ":" * n, 16_000),
    "log: authorizations": (redact, lambda n: "authorization = x " * n, 2_000),
    "log: cookies": (redact, lambda n: 'cookie: a="' * n, 2_000),
    "log: quotes of a cookie": (redact, lambda n: "cookie: " + 'a="b" ' * n, 2_000),
    "log: backslashes of a cookie": (redact, lambda n: "cookie: a=" + "\\" * n, 16_000),
    "log: keys": (redact, lambda n: "x-api-key: " * n, 2_000),
    "log: quotes of a key": (redact, lambda n: "x-api-key" + "'" * n, 16_000),
    "log: users": (redact, lambda n: "https://a" * n, 4_000),
    "log: spaces": (redact, lambda n: "authorization" + " " * n, 16_000),
    "log: almost a secret": (redact, lambda n: "a" * n + "c", 16_000),
    "traceparent": (
        parse_traceparent,
        lambda n: f"01-{'a' * 32}-{'a' * 16}-00-{'a' * n}\n",
        64_000,
    ),
    "Content-Encoding": (parse_content_encoding, lambda n: "gzip," * n, 2_000),
    # Werkzeug's, which any header reaches.
    "Content-Type: semicolons": (parse_options_header, lambda n: "a/b" + ";" * n, 2_000),
    "Content-Type: parameters": (parse_options_header, lambda n: "a/b" + "; a=b" * n, 500),
    "Content-Type: quotes": (parse_options_header, lambda n: 'a/b; a="' + '\\"' * n, 8_000),
    "Content-Type: open quotes": (parse_options_header, lambda n: 'a/b; a="' * n, 500),
    "Content-Disposition: continued": (
        parse_options_header,
        lambda n: "a" + "".join(f";a*{i}=x" for i in range(n)),
        500,
    ),
    "Content-Disposition: escapes": (
        parse_options_header,
        lambda n: "a; a*=utf-8''" + "%41" * n,
        4_000,
    ),
    "Accept: types": (
        lambda header: parse_accept_header(header, MIMEAccept),
        lambda n: ",".join(f"a/b{i};q=0.5" for i in range(n)),
        250,
    ),
    "Accept: commas": (
        lambda header: parse_accept_header(header, MIMEAccept),
        lambda n: "," * n,
        8_000,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_decoding_time_is_linear(name: str) -> None:
    """A quadratic one takes sixteen times as long, even on a busy machine."""
    run, make, length = CASES[name]
    small, large = make(length), make(4 * length)
    ratios = (seconds(lambda: run(large)) / seconds(lambda: run(small)) for _ in range(ATTEMPTS))
    assert any(ratio < 8 for ratio in ratios)


def post(app: Flask, body: bytes, content_type: str) -> None:
    app.test_client().post("/echo", data=body, content_type=content_type)


BOUNDARY = "multipart/form-data; boundary=b"
FORMS: dict[str, tuple[str, Callable[[int], bytes], int]] = {
    "no boundary": (BOUNDARY, lambda n: b"-" * n, 64_000),
    "line breaks": (BOUNDARY, lambda n: b"\r\n" * n, 32_000),
    "almost boundaries": (BOUNDARY, lambda n: b"\r\n--" * n, 16_000),
    "a part's header": (BOUNDARY, lambda n: b"--b\r\nA:" + b" " * n + b"\r\n\r\n", 16_000),
    "folded headers": (BOUNDARY, lambda n: b"--b\r\nA: a" + b"\r\n " * n + b"\r\n\r\n", 8_000),
    "a part's line breaks": (
        BOUNDARY,
        lambda n: (
            b'--b\r\nContent-Disposition: form-data; name="data"; filename="a"\r\n\r\n'
            + b"\r\n" * n
            + b"\r\n--b--\r\n"
        ),
        32_000,
    ),
    "urlencoded": ("application/x-www-form-urlencoded", lambda n: b"&" * n, 64_000),
    "urlencoded names": ("application/x-www-form-urlencoded", lambda n: b"a=%41&" * n, 2_000),
}


@pytest.fixture(scope="module")
def app() -> Flask:
    registry = mmf.Registry()
    registry.target(echo, returns=mmf.JsonFile())
    return create_app(registry)


def echo(data: Any = mmf.JsonFile()) -> Any:  # noqa: B008
    return data


@pytest.mark.parametrize("name", FORMS)
def test_form_parsing_time_is_linear(name: str, app: Flask) -> None:
    content_type, make, length = FORMS[name]
    small, large = make(length), make(4 * length)
    ratios = (
        seconds(lambda: post(app, large, content_type))
        / seconds(lambda: post(app, small, content_type))
        for _ in range(ATTEMPTS)
    )
    assert any(ratio < 8 for ratio in ratios)


def patterns() -> Iterator[tuple[str, re.Pattern[Any], set[str]]]:
    """Yield all named patterns of a module of the service, and how they are used."""
    for info in walk_packages(mmf_core.__path__, "mmf_core."):
        if info.name.endswith("__main__"):
            continue
        module = import_module(info.name)
        for name, value in vars(module).items():
            for index, pattern in enumerate(value if isinstance(value, tuple) else (value,)):
                if isinstance(pattern, re.Pattern):
                    uses = set(re.findall(rf"\b{name}\.(\w+)\(", getsource(module)))
                    yield f"{info.name}.{name}[{index}]", pattern, uses or {"search"}


def sample(op: Any, argument: Any) -> str:  # noqa: PLR0911
    """Return a short text that this element of a pattern matches."""
    match op:
        case ops.LITERAL:
            return chr(argument)
        case ops.NOT_LITERAL | ops.ANY:
            return "a" if argument != ord("a") else "b"
        case ops.IN if argument[0][0] is ops.NEGATE:
            return next(
                text for text in "a0 -" if not any(includes(*part, text) for part in argument)
            )
        case ops.IN:
            kind, value = argument[0]
            if kind is ops.CATEGORY:
                return CATEGORIES[value][0]
            return chr(value[0] if kind is ops.RANGE else value)
        case ops.BRANCH:
            return sample_of(argument[1][0])
        case ops.SUBPATTERN:
            return sample_of(argument[-1])
        case ops.MAX_REPEAT | ops.MIN_REPEAT | ops.POSSESSIVE_REPEAT:
            least, _, repeated = argument
            return sample_of(repeated) * max(1, least)
    return ""


def includes(kind: Any, value: Any, text: str) -> bool:
    match kind:
        case ops.LITERAL:
            return chr(value) == text
        case ops.RANGE:
            return value[0] <= ord(text) <= value[1]
        case ops.CATEGORY:
            return text in CATEGORIES[value]
    return False


def sample_of(elements: Any) -> str:
    return "".join(sample(op, argument) for op, argument in elements)


def attacks(elements: Any) -> Iterator[str]:
    """Yield the worst cases for a pattern: each prefix, or its next element, repeated."""
    start = ""
    for op, argument in elements:
        element = sample(op, argument)
        yield start + element * REPEATS
        start += element
        yield start * REPEATS
        if op in {ops.SUBPATTERN, ops.MAX_REPEAT, ops.POSSESSIVE_REPEAT}:
            yield from (start + attack for attack in attacks(argument[-1]))


REPEATS = 5_000
"""Quadratic search takes a second at this length, and linear search a millisecond."""
PATTERNS = {name: (pattern, uses) for name, pattern, uses in patterns()}


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_do_not_backtrack(name: str) -> None:
    pattern, uses = PATTERNS[name]
    runs = [getattr(pattern, use if use in {"match", "fullmatch"} else "search") for use in uses]
    for attack in set(attacks(parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE))):
        text: Any = attack + "\0" if isinstance(pattern.pattern, str) else attack.encode() + b"\0"
        for run in runs:
            assert any(seconds(partial(run, text), 1) < 0.03 for _ in range(ATTEMPTS)), text[:80]
