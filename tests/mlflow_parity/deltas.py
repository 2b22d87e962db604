"""Where this service answers otherwise than MLflow's: case → (MLflow's answer, ours, why)."""

from collections.abc import Mapping

STAGE = "the same fault, found at another stage"
ISO = "dates are ISO 8601 here, of any precision, and nothing else"
ROWS = "every row has a cell for each column, and there is one row at least"
DELTAS = {
    "dates and times": ("400", '200 [{"told": "2026-01-31T12:30:00"}', ISO),
    "a number as a date": ("200", "400 INVALID_PARAMETER_VALUE", ISO),
    "a text that is no date": ("400 BAD_REQUEST", "400 INVALID_PARAMETER_VALUE", STAGE),
    "dates in csv": ("400", "200 [2]", "pandas refuses to be told of dates; they are read later"),
    "a date with an offset": ("400", "500", "the schema takes it, MLflow's own model does not"),
    "a date null": (
        '200 [{"told": "2026-01-31T12:30:00"}, {"told": "NaT"}]',
        '200 [{"told": "2026-01-31T12:30:00"}, {"told": null}]',
        "null is null",
    ),
    "a flag null": (
        '200 [{"told": true}, {"told": false}]',
        '200 [{"told": true}, {"told": null}]',
        "null is not false",
    ),
    "a number as text": ("200", "400 INVALID_PARAMETER_VALUE", "a text is a text"),
    "2**63 as long": ("200", "400 BAD_REQUEST", "MLflow makes another number of it, in silence"),
    "1e308 as long": ("200", "400 BAD_REQUEST", "MLflow makes another number of it, in silence"),
    "int64 as double in parquet": ("400", "200 [2, 6]", "as in JSON and CSV"),
    "a param that is a number as text": ("400", "200 [3, 9]", "as in a query string"),
    "data is null": ("200 []", "400 BAD_REQUEST", ROWS),
    "no rows": ("200 []", "400 INVALID_PARAMETER_VALUE", ROWS),
    "too few cells": ("200", "400 BAD_REQUEST", ROWS),
    "records of scalars": ("400 INVALID_PARAMETER_VALUE", "400 BAD_REQUEST", STAGE),
    "inputs of two lengths": ("400 INVALID_PARAMETER_VALUE", "400 BAD_REQUEST", STAGE),
    "the model fails": ("400 BAD_REQUEST", "500 INTERNAL_ERROR", "it is not the caller's fault"),
    "the model is late": ("504", "504 DEADLINE_EXCEEDED", "MLflow's body says JSON and is none"),
    "no Content-Type": ("500", "415 text/plain", "it is the caller's fault"),
    "GET": ("405", "405 BAD_REQUEST", "one shape of errors, not two"),
    "PUT": ("405", "405 BAD_REQUEST", "one shape of errors, not two"),
    "HEAD ping": ("405", "200", "load balancers ask by HEAD"),
    "version": ("200", "200", "each has its own"),
}


def unexpected(answers: Mapping[str, tuple[str, str]]) -> list[str]:
    """Return the cases whose answers differ and should not, or differ otherwise than told here."""
    return [
        name
        for name, (mlflows, here) in answers.items()
        if (mlflows != here) != (name in DELTAS)
        or (name in DELTAS and not _is_told(mlflows, here, DELTAS[name]))
    ]


def _is_told(mlflows: str, here: str, told: tuple[str, str, str]) -> bool:
    return mlflows.startswith(told[0]) and here.startswith(told[1])
