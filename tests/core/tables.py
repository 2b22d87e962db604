"""Helpers that the tests of all table formats share."""

import random
import time
from typing import Any

import pandas as pd

from mmf_core.codecs import Codec
from mmf_core.errors import RequestError

SECONDS = 1.5

MIXED = pd.DataFrame(
    {
        "whole": [1, 2, 3],
        "part": [1.5, None, -2.5e300],
        "text": ["x", "Вино, белое", None],
        "flag": [True, False, True],
    }
)


def fuzz(codec: Codec[Any], data: bytes, changed: Any = None) -> None:
    """Decode corrupted copies of a valid file; each gives a table or a RequestError."""
    chance = random.Random(7)
    end = time.monotonic() + SECONDS
    refused = 0
    while time.monotonic() < end:
        damaged = (changed or damage)(data, chance)
        try:
            codec.decode(damaged, {})
        except RequestError:
            refused += 1
    assert refused


def damage(data: bytes, chance: random.Random) -> bytes:
    """Change, insert, repeat or cut off a few bytes."""
    damaged = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(damaged) + 1)
        match chance.randrange(6):
            case 0 | 1:
                damaged[place : place + 1] = bytes([chance.choice([0, 255, chance.randrange(256)])])
            case 2:
                damaged[place:place] = chance.randbytes(chance.randint(1, 8))
            case 3:
                damaged[place:place] = damaged[place : place + chance.randint(1, 64)]
            case 4:
                damaged[place : place + 4] = chance.choice([b"\xff" * 4, b"\xff\xff\xff\x7f"])
            case 5:
                del damaged[place : place + chance.randint(1, 8)]
    return bytes(damaged)
