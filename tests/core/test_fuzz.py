"""Every decoder there is, on damaged bodies: a value or a RequestError comes out, nothing else.

A new codec is here by being registered. `make fuzz` tries many more, and others each time.
"""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import mmf_core as mmf
from mmf_core.codecs import Format, Kind, find, json_of, readable
from mmf_core.descriptors import Descriptor
from mmf_core.errors import RequestError
from samples import BODIES, VALUES

DESCRIPTORS: dict[Kind, list[Descriptor[Any]]] = {
    Kind.TABLE: [mmf.DataFrame(), mmf.DataFrame(schema={"whole": int, "text": str | None})],
    Kind.ARRAY: [mmf.Array(), mmf.Array(columns=["a", "b"])],
    Kind.JSON: [mmf.Dict()],
    Kind.IMAGE: [mmf.Img()],
    Kind.SCALAR: [mmf.String(), mmf.Integer(), mmf.Float(), mmf.Bool(), mmf.Datetime()],
    Kind.FILE: [mmf.File()],
}
NAMED = [
    (f"{descriptor.class_name}-{place}", descriptor)
    for descriptors in DESCRIPTORS.values()
    for place, descriptor in enumerate(descriptors)
]
CELLS = [
    pytest.param(descriptor, form, id=f"{name}-{form.name}")
    for name, descriptor in NAMED
    for form in readable(descriptor.kind)
]
# There are a hundred tests of this kind.
SOME = settings(max_examples=settings().max_examples // 4)
# What means something to one format or another.
BITS = st.sampled_from(
    [
        *(
            b"\x00",
            b"\xff",
            b"\xff" * 4,
            b"\xff\xff\xff\x7f",
            b"\x80" * 8,
            b"\r",
            b"\n",
            b'"',
            b",",
        ),
        *(b";", b"\t", b"=", b"[", b"]", b"{", b"}", b":", b"<", b">", b"&", b"*a", b"!!", b"null"),
        *(b"NaN", b"-", b"9" * 20, b"1e999", b"\xd0", b"\xef\xbb\xbf", b"\xff\xfe", b"<!DOCTYPE a"),
    ]
)
CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1),  # where
        st.integers(0, 12),  # how many bytes go
        st.one_of(BITS, st.binary(max_size=8)),  # and what comes instead
    ),
    min_size=1,
    max_size=6,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda part: (
        st.lists(part, max_size=5)
        | st.dictionaries(
            st.sampled_from(["a", "b", "data", "columns", "index", "instances"])
            | st.text(max_size=4),
            part,
            max_size=5,
        )
    ),
)


def _decode(descriptor: Descriptor[Any], form: Format, body: bytes) -> None:
    codec = find(descriptor.kind, form)
    assert codec is not None
    with suppress(RequestError):
        descriptor.validate(codec.decode(body, descriptor.options))


def _valid(descriptor: Descriptor[Any], form: Format) -> bytes:
    return BODIES[descriptor.kind][form](
        VALUES["Img" if descriptor.kind is Kind.IMAGE else descriptor.class_name]
    )


@pytest.mark.parametrize(("descriptor", "form"), CELLS)
@SOME
@given(changes=CHANGES)
def test_a_damaged_body_is_read_or_refused(
    descriptor: Descriptor[Any], form: Format, changes: list[tuple[float, int, bytes]]
) -> None:
    body = _valid(descriptor, form)
    for share, count, instead in changes:
        place = int(share * len(body))
        body = body[:place] + instead + body[place + count :]
    _decode(descriptor, form, body)


@pytest.mark.parametrize(("descriptor", "form"), CELLS)
@SOME
@given(body=st.binary(max_size=64) | st.text(max_size=40).map(str.encode))
@example(body=b"")
@example(body=b"[" * 100_000)
@example(body=b"<a>" * 100_000)
def test_any_bytes_are_read_or_refused(
    descriptor: Descriptor[Any], form: Format, body: bytes
) -> None:
    _decode(descriptor, form, body)


@pytest.mark.parametrize(
    "descriptor", [pytest.param(descriptor, id=name) for name, descriptor in NAMED]
)
@given(plain=JSON)
def test_any_json_is_read_or_refused(descriptor: Descriptor[Any], plain: Any) -> None:
    body = json.dumps(plain).encode()
    _decode(descriptor, Format.JSON, body)
    with suppress(RequestError):
        descriptor.validate(json_of(descriptor.kind).from_plain(plain, descriptor.options))
