"""Every decoder on corrupted bodies: each is read or rejected, without any other error.

A registered codec is included automatically. `make fuzz` runs the same decoders by the hour.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from decoders import DECODERS, DESCRIPTORS, Decoder
from hypothesis import example, given, settings
from hypothesis import strategies as st

import mmf_core as mmf
from mmf_core.codecs import Kind, json_of, readable
from mmf_core.descriptors import Descriptor
from mmf_core.errors import RequestError

each_decoder = pytest.mark.parametrize("decoder", DECODERS.values(), ids=DECODERS)
PARTS = {name: decoder for name, decoder in DECODERS.items() if decoder.structure}
# There are a hundred tests like this.
SOME = settings(max_examples=settings().max_examples // 4)
# Bytes with a meaning in some format.
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
        st.integers(0, 12),  # how many bytes are removed
        st.one_of(BITS, st.binary(max_size=8)),  # and what replaces them
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


@pytest.fixture(autouse=True, scope="module")
def silent() -> Iterator[None]:
    """Log no requests."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def _damaged(body: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    for share, count, instead in changes:
        place = int(share * len(body))
        body = body[:place] + instead + body[place + count :]
    return body


def test_every_kind_and_descriptor_is_fuzzed() -> None:
    assert {kind for kind in Kind if readable(kind)} == DESCRIPTORS.keys()
    used = {type(each) for descriptors in DESCRIPTORS.values() for each in descriptors.values()}
    classes = {value for value in vars(mmf).values() if isinstance(value, type)}
    public = {each for each in classes if issubclass(each, Descriptor) and each.kind in DESCRIPTORS}
    # A Dict of any value; and a result, which no caller sends.
    assert {each.__name__ for each in public - used} == {"JsonFile", "ModelFile"}


@each_decoder
def test_seeds_are_accepted(decoder: Decoder) -> None:
    """A fuzzer that starts from rejected bodies finds nothing."""
    assert [seed for seed in decoder.seeds if not decoder.check(seed)] == []


@pytest.mark.parametrize("decoder", PARTS.values(), ids=PARTS)
def test_split_and_joined_seeds_are_accepted(decoder: Decoder) -> None:
    assert decoder.structure
    for seed in decoder.seeds:
        assert decoder.check(decoder.structure.join(decoder.structure.split(seed)))


@each_decoder
@SOME
@given(changes=CHANGES)
def test_corrupted_body_is_read_or_rejected(
    decoder: Decoder, changes: list[tuple[float, int, bytes]]
) -> None:
    decoder.check(_damaged(decoder.seeds[0], changes))


@pytest.mark.parametrize("decoder", PARTS.values(), ids=PARTS)
@SOME
@given(changes=CHANGES, seed=st.integers(0, 99), part=st.integers(0, 999))
def test_body_with_a_corrupted_part_is_read_or_rejected(
    decoder: Decoder, changes: list[tuple[float, int, bytes]], seed: int, part: int
) -> None:
    assert decoder.structure
    parts = decoder.structure.split(decoder.seeds[seed % len(decoder.seeds)])
    index = part % len(parts)
    parts[index] = _damaged(parts[index], changes)
    decoder.check(decoder.structure.join(parts))


@each_decoder
@SOME
@given(body=st.binary(max_size=64) | st.text(max_size=40).map(str.encode))
@example(body=b"")
@example(body=b"[" * 100_000)
@example(body=b"<a>" * 100_000)
def test_any_bytes_are_read_or_rejected(decoder: Decoder, body: bytes) -> None:
    decoder.check(body)


@pytest.mark.parametrize("kind", DESCRIPTORS)
@given(plain=JSON)
def test_any_json_is_read_or_rejected(kind: Kind, plain: Any) -> None:
    DECODERS[f"{kind.name.lower()}-json"].check(json.dumps(plain).encode())
    for descriptor in DESCRIPTORS[kind].values():
        with suppress(RequestError):
            descriptor.validate(json_of(kind).from_plain(plain, descriptor.options))
