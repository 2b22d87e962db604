"""The service conforms to /openapi.json: schemathesis with all its checks.

Rules that JSON Schema cannot express are applied to requests before sending, or listed here.
"""

import io
import os
import zipfile
from typing import Any
from urllib.parse import unquote

import pytest
import schemathesis
import xlwt
from hypothesis import Phase, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.core import NotSet
from schemathesis.core.failures import AcceptedNegativeData, FailureGroup
from schemathesis.openapi.checks import RejectedPositiveData
from served_api import declare

from mmf_core.codecs import WORKBOOKS, Format, Kind, find, json, json_of, readable
from mmf_core.descriptors import Array, Descriptor, List
from mmf_core.target import Target
from mmf_core.web import create_app

REGISTRY = declare()
MORE = os.environ.get("SCHEMATHESIS_EXAMPLES")  # 200 for a search of a few minutes
FORM = "multipart/form-data"
PHASES = [Phase.explicit, Phase.generate]  # failures need no shrinking
FILE = b"a file"  # placeholder until the target is known
INFER = {"positive_data_acceptance": {"expected-statuses": ["2xx", "400"]}}  # of any tensors
CONFIG = {
    "headers": {"Accept-Encoding": "identity"},  # nothing decompresses WSGI responses
    "generation": {
        "deterministic": True,
        "database": "none",
        "max-examples": int(MORE or 5),
    },
    "operations": [{"include-path-regex": "^/(v2/.*infer|invocations/.*)$", "checks": INFER}],
}
REFUSED = (  # rules that no schema expresses
    b"to be of equal length",
    b"an array of shape",  # CSV has two dimensions
    b"cannot be written as",  # a list as protobuf
    b"UTC offset",  # required of all dates of a column
    b"picture cannot be read",
    b"has no body",  # nor has the query the scalar
    b"clocks in Europe/Berlin",
    b"expected an ISO 8601 date",  # schemathesis overlooks formats under anyOf in forms,
    b"expected a date, got",  # beside null as a type,
    b"expected true or false, got",  # and writes some booleans as nothing
    b"expected a list of values, got dict",  # binary formats share the schema of an object
    b"TASK-ID: ",  # names that a URL cannot contain
    b"TASK-ID and Idempotency-Key are different",
    b"that of another task",  # examples have the same id
    b"duplicate argument",  # in the query as well as in the form
)

for kind in Kind:
    for form in set(readable(kind)) - {Format.JSON, Format.TEXT}:
        schemathesis.openapi.media_type(form.media_type, st.just(FILE))
MOMENTS = st.datetimes().map(
    lambda moment: moment.replace(year=1900 + moment.year % 300).isoformat()
)
schemathesis.openapi.format("date-time", MOMENTS.map("{}Z".format))
schemathesis.openapi.format("date-time-local", MOMENTS)
schema = schemathesis.pytest.from_fixture("service")
if not MORE:  # they share a schema, so a few suffice
    schema = schema.exclude(path_regex="^/v2/models/(?!typed|grid|picture|labelled)[^/]+/infer$")
    schema = schema.exclude(path_regex="^/invocations/(?!typed|labelled)[^/]+$")
SOME = schema.include(
    path_regex="^/(typed|labelled|health/ready|v2/models/typed/infer|tasks?|tasks/.*|log/)$"
)


@pytest.fixture
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the schema, loaded when its test runs, not in every process of a test run."""
    # schemathesis 4.32 expects it there; pytest 9.2 has moved it.
    request.node._nodeid = request.node.nodeid
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMF_TASKS_DIR", str(tmp_path_factory.mktemp("tasks")))
        app = create_app(REGISTRY)
    return schemathesis.openapi.from_wsgi(
        "/openapi.json", app, config=SchemathesisConfig.from_dict(CONFIG)
    )


def encoded(descriptor: Descriptor[Any], form: Format) -> bytes:
    """Return a descriptor's example as a file; an object if the format has no lists."""
    plain = {"name": 1.5} if form is Format.PROTOBUF else descriptor.plain_example
    value = json_of(descriptor.kind).from_plain(plain, descriptor.options)
    buffer = io.BytesIO()
    if form is Format.ODS:
        value.to_excel(buffer, engine="odf", index=False)
        return buffer.getvalue()
    if form is Format.XLS:
        book = xlwt.Workbook()
        sheet = book.add_sheet("only")
        for column, (title, cells) in enumerate(value.items()):
            for row, cell in enumerate([title, *cells.tolist()]):
                sheet.write(row, column, cell)
        book.save(buffer)
        return buffer.getvalue()
    codec = find(descriptor.kind, form)
    assert codec
    return codec.encode(value, descriptor.options)


def adapt(case: Any, target: Target) -> None:
    """Turn examples into files, and apply the rules between parts of a request."""
    form, query, arguments = (
        Format.of_media_type(case.media_type or ""),
        case.query,
        target.arguments,
    )
    files = {
        name: descriptor
        for name, descriptor in arguments.items()
        if descriptor.kind is not Kind.SCALAR
    }
    for name, first in (("sheet", "0"), ("header_row", "1")):
        if query.pop(name, None) and form in WORKBOOKS:
            query[name] = first
    if isinstance(case.body, NotSet):
        return
    whole = list(files or target.required)[:1]  # one of several, the others being in the query
    in_body = arguments if len(arguments) == 1 else case.body if case_is_object(case) else whole
    for name in list(in_body):
        query.pop(name, None)  # a value occurs only once
    if case.media_type == FORM:
        types = case.multipart_content_types or {}
        for name, file in files.items():
            types.setdefault(name, readable(file.kind)[0].media_type)
            case.body[name] = encoded(file, Format.of_media_type(types[name]))
        case.multipart_content_types = types
    elif case.body == FILE and files[whole[0]].kind is not Kind.FILE:
        case.body = encoded(files[whole[0]], form)
    if not case_is_object(case):
        for name in target.required.keys() - whole:
            query.setdefault(name, json.dumps(arguments[name].plain_example).decode())


def case_is_object(case: Any) -> bool:
    """Return whether a body has arguments by name."""
    return isinstance(case.body, dict)


def is_accepted_anyway(case: Any, target: Target) -> bool:
    """Return whether a target accepts values outside its schema."""
    body = case.body if isinstance(case.body, dict) else {}
    sent = {name for name, value in body.items() if value != []}  # a form cannot carry it
    missing = target.required.keys() - sent
    if missing and missing <= case.query.keys():
        return True  # it is in the query
    descriptors = target.arguments.values()
    if case.media_type == FORM and any(isinstance(d, List) for d in descriptors):
        return True  # form parts are texts, whatever their type
    is_array = any(isinstance(descriptor, Array) for descriptor in descriptors)
    text = str(case.body)  # more dimensions, and false for 0
    return is_array and ("[[[" in text or "False" in text or "True" in text)


def is_known(failure: Exception, case: Any, target: Target, *, positive: bool) -> bool:
    """Return whether schemathesis is mistaken: it does not recognize our files as valid."""
    if isinstance(failure, AcceptedNegativeData):
        return positive or is_accepted_anyway(case, target)
    return False


@SOME.parametrize()
@settings(phases=PHASES)
@pytest.mark.long
def test_some_routes_conform_to_openapi(case: Any) -> None:
    check(case)


@pytest.mark.long
@schema.parametrize()
@settings(phases=PHASES)
def test_every_route_conforms_to_openapi(case: Any) -> None:
    check(case)


def readable_content(content: bytes) -> bytes:
    """Return a response's text, or that of the parts of a workbook with errors."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as workbook:
        return b"".join(map(workbook.read, workbook.namelist()))


def check(case: Any) -> None:
    """Send a request; fail if its response contradicts the document."""
    target = REGISTRY.targets.get(unquote(case.path).strip("/"))
    positive = case.meta.generation.mode.is_positive
    if target and positive:
        adapt(case, target)
    response = case.call()
    is_refused = any(words in readable_content(response.content) for words in REFUSED)
    try:
        case.validate_response(response)
    except FailureGroup as group:
        left = [
            failure
            for failure in group.exceptions
            if not (isinstance(failure, RejectedPositiveData) and is_refused)
            and not (target and is_known(failure, case, target, positive=positive))
        ]
        if left:
            raise
    if target and positive:
        assert response.status_code < 300 or is_refused, response.content
