"""Array, Dict, JsonFile and File."""

from typing import Any

import numpy as np
import pytest

import mmf_core as mmf
from mmf_core.descriptors import Descriptor
from mmf_core.errors import InvalidValue


@pytest.mark.parametrize("value", [[1, 2], [[1.5]], 5, [True], np.zeros((2, 3, 4)), ()])
def test_array_of_any_shape(value: Any) -> None:
    assert np.array_equal(mmf.Array().validate(value), np.asarray(value))
    assert np.array_equal(mmf.Array().to_output(value), np.asarray(value))


@pytest.mark.parametrize("value", ["text", ["a"], [1, "a"], None, {}, [1j], [[1], [1, 2]], [None]])
def test_rejects_non_numeric_arrays(value: Any) -> None:
    for method in (mmf.Array().validate, mmf.Array().to_output):
        with pytest.raises(InvalidValue):
            method(value)


@pytest.mark.parametrize(
    ("descriptor", "value"),
    [
        (mmf.Dict(), {}),
        (mmf.Dict(), {"a": [1, {"b": None}]}),
        (mmf.JsonFile(), {}),
        (mmf.JsonFile(), [1, 2]),
    ],
)
def test_plain_values_are_unchanged(descriptor: Descriptor[Any], value: Any) -> None:
    assert descriptor.validate(value) is value
    assert descriptor.to_output(value) is value


@pytest.mark.parametrize(
    ("descriptor", "value"),
    [
        *[(mmf.Dict(), value) for value in ([], "x", 5, None, True, np.zeros(2))],
        *[(mmf.JsonFile(), value) for value in ("x", 5, None, True)],
        *[(mmf.File(), value) for value in ("x", 5, None, [1])],
    ],
)
def test_rejects_other_types_by_name(descriptor: Descriptor[Any], value: Any) -> None:
    for method in (descriptor.validate, descriptor.to_output):
        with pytest.raises(InvalidValue, match=type(value).__name__):
            method(value)


@pytest.mark.parametrize("value", [b"", b"\x00\xff", bytearray(b"ab"), memoryview(b"ab")])
def test_file_is_bytes(value: Any) -> None:
    checked = mmf.File().validate(value)
    assert type(checked) is mmf.FileBytes
    assert isinstance(checked, bytes)
    assert checked == bytes(value)
