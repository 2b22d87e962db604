"""The limits of JSON values in each format; their number bounds the time."""

import time
from typing import Any

import pytest

from long_parameters import long_except
from mmf_core.codecs import Codec, Kind, find, json_xml, writable
from mmf_core.errors import BodyTooLarge

CODECS = {
    format.name: codec
    for format in writable(Kind.JSON)
    if (codec := find(Kind.JSON, format)) and format.name in {"YAML", "XML", "PROTOBUF", "MSGPACK"}
}
MOST = {"YAML": 600_000, "XML": 2_000_000, "PROTOBUF": 1_500_000, "MSGPACK": 4_000_000}


def refuse(codec: Codec[Any], value: Any, name: str, count: int) -> None:
    with pytest.raises(
        BodyTooLarge, match=f"at most {MOST[name]:,} values as {name}, got {count:,}"
    ):
        codec.encode(value, {})


@pytest.mark.parametrize("name", long_except(MOST, [next(iter(MOST))]))
def test_values_are_limited_by_format(name: str) -> None:
    """Four million numbers took 19 seconds and 1,200 MiB as YAML."""
    codec, numbers = CODECS[name], MOST[name] - 7  # two containers and a name
    assert codec.encode({"a": [1] * numbers}, {})
    refuse(codec, {"a": [1] * (numbers + 1)}, name, MOST[name] + 1)


@pytest.mark.parametrize("name", MOST)
def test_names_and_containers_count_as_values(name: str) -> None:
    codec, most = CODECS[name], MOST[name]
    refuse(codec, {str(index): 1 for index in range(most // 2)}, name, 2 * (most // 2) + 3)
    refuse(codec, {"a": [[]] * (most // 3)}, name, 3 * (most // 3) + 7)


@pytest.mark.parametrize("name", MOST)
def test_shared_value_counts_each_time(name: str) -> None:
    shared, lists = [1] * 1_000, MOST[name] // 900
    refuse(CODECS[name], {"a": [shared] * lists}, name, 7 + lists * 1_003)


@pytest.mark.parametrize("name", MOST)
def test_punctuation_in_texts_does_not_count(name: str) -> None:
    texts = [",:[{" * 1_100_000, '",[' * 10, "\\", '\\",[', "[" * 10]
    codec = CODECS[name]
    assert codec.decode(codec.encode({"a": texts}, {}), {}) == {"a": texts}


def test_xml_time_does_not_depend_on_depth() -> None:
    """Each text passed through a generator for each level: 300,000 numbers took three seconds."""
    numbers: Any = [1] * 100_000
    times = []
    for depth in (1, 95):
        value = numbers
        for _ in range(depth):
            value = [value]
        started = time.process_time()
        json_xml.JSONAsXML().encode(value, {})
        times.append(time.process_time() - started)
    assert times[1] < 3 * times[0]
