"""Fuzz a decoder with atheris, guided by the branches that a body reaches."""

import contextlib
import hashlib
import logging
import random
import resource
import time
import traceback
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["mmf_core", "xlrd", "werkzeug.sansio", "yaml"]):
    from decoders import DECODERS, Decoder

SECONDS = 5.0
"""CPU seconds for a body of at most `MOST` bytes; branch counting makes it slower."""
MIB = 600
"""Allowed growth of a worker per body: docs/threat-model.md, with default limits."""
MOST = 1 << 16
HANGS = 60
"""Seconds after which libFuzzer ends the process and saves the body."""


class Fuzzer:
    """Runs bodies through a decoder, and saves those that fail."""

    def __init__(self, decoder: Decoder, failures: Path) -> None:
        self._decoder = decoder
        self._failures = failures
        self._peak = 0

    def run(self, data: bytes) -> None:
        """Decode a body; called by libFuzzer."""
        started = time.process_time()
        try:
            self._decoder.check(data)
        except Exception as error:  # noqa: BLE001 - any is a fault
            frames = traceback.extract_tb(error.__traceback__)
            place = f"{type(error).__name__} at {frames[-1].filename}:{frames[-1].lineno}"
            self._keep(place, data, traceback.format_exc())
        seconds = time.process_time() - started
        if seconds > SECONDS:
            self._keep("slow", data, f"{seconds:.1f} s")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if self._peak and (grown := (peak - self._peak) / 1024) > MIB:
            self._keep("memory", data, f"{grown:.0f} MiB")
        self._peak = peak

    def mutate(self, data: bytes, max_size: int, seed: int) -> bytes:
        """Change a body: in one of its parts mostly, sometimes anywhere."""
        dice = random.Random(seed)
        structure = self._decoder.structure
        if structure is not None and dice.random() < 0.8:
            with contextlib.suppress(Exception):
                parts = structure.split(data)
                body = structure.join(_changed(parts, dice))
                if len(body) <= max_size:
                    return body
        return atheris.Mutate(data, max_size)

    def _keep(self, place: str, data: bytes, about: str) -> None:
        name = hashlib.sha256(place.encode()).hexdigest()[:12]
        file = self._failures / name
        if not file.exists():
            file.write_bytes(data)
            file.with_suffix(".txt").write_text(f"{place}\n{about}", encoding="utf-8")
            print(f"FAULT {place}: {file}", flush=True)


def _changed(parts: list[bytes], dice: random.Random) -> list[bytes]:
    """Return parts, some of them changed, duplicated, omitted or swapped."""
    parts = list(parts)
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        place, other = dice.randrange(len(parts)), dice.randrange(len(parts))
        match dice.randrange(8):
            case 0:
                parts.insert(other, parts[place])
            case 1 if len(parts) > 1:
                del parts[place]
            case 2:
                parts[place], parts[other] = parts[other], parts[place]
            case _:
                parts[place] = atheris.Mutate(parts[place], len(parts[place]) + 64)
    return parts


def fuzz(name: str, seconds: int, folder: Path) -> None:
    """Fuzz a decoder for some seconds; libFuzzer then ends this process.

    Bodies that reach new code stay in `folder`/corpus, and each failure, once for each place in
    the code, in `folder`/failures: the body, and a text about it.
    """
    decoder = DECODERS[name]
    corpus, failures = folder / "corpus", folder / "failures"
    for each in (corpus, failures):
        each.mkdir(parents=True, exist_ok=True)
    for seed in decoder.seeds:
        (corpus / f"seed-{hashlib.sha256(seed).hexdigest()[:12]}").write_bytes(seed)
    logging.disable()
    warnings.simplefilter("ignore")
    fuzzer = Fuzzer(decoder, failures)
    options = {
        "max_total_time": seconds,
        "max_len": MOST,
        "timeout": HANGS,
        "rss_limit_mb": 4096,
        "artifact_prefix": f"{failures}/",
        "print_final_stats": 1,
        "verbosity": 0,
    }
    arguments = ["fuzz", str(corpus), *(f"-{key}={value}" for key, value in options.items())]
    atheris.Setup(arguments, fuzzer.run, custom_mutator=fuzzer.mutate)
    atheris.Fuzz()
