"""Where this service responds differently from MLflow's: case → (MLflow's, ours, why)."""

from collections.abc import Mapping

STAGE = "the same error, found at another stage"
ISO = "dates are ISO 8601, of any precision"
EXACT = "no cell becomes another value"
ROWS = "every row needs a cell for each column, and a table at least one row"
DELTAS = {
    "dates and times": ("400", '200 [{"reported": "2026-01-31T12:30:00"}', ISO),
    "a number as a date": ("200", "400 INVALID_PARAMETER_VALUE", ISO),
    "a text that is no date": ("400 BAD_REQUEST", "400 INVALID_PARAMETER_VALUE", STAGE),
    "dates in csv": ("400", "200 [2]", "pandas' CSV reader rejects dates as a type"),
    "a date null": (
        '200 [{"reported": "2026-01-31T12:30:00"}, {"reported": "NaT"}]',
        '200 [{"reported": "2026-01-31T12:30:00"}, {"reported": null}]',
        "null is null",
    ),
    "a flag null": (
        '200 [{"reported": true}, {"reported": false}]',
        '200 [{"reported": true}, {"reported": null}]',
        "null is not false",
    ),
    "a number as text": ("200", "400 INVALID_PARAMETER_VALUE", "text is text"),
    **dict.fromkeys(
        ("1.5 as long", "1.5 as long in inputs", "true as long", "true as double"),
        ("200", "400 BAD_REQUEST", EXACT),
    ),
    **dict.fromkeys(("2 as a flag", "an empty text as a flag"), ("200", "400 BAD_REQUEST", EXACT)),
    "a text as a flag": ('200 [{"reported": true}', '200 [{"reported": false}', EXACT),
    "2**63 as long": ("200", "400 BAD_REQUEST", "MLflow silently changes the number"),
    "1e308 as long": ("200", "400 BAD_REQUEST", "MLflow silently changes the number"),
    "Infinity in double": ("200", "400 BAD_REQUEST", "a model is given finite numbers"),
    "int64 as double in parquet": ("400", "200 [2, 6]", "as in JSON and CSV"),
    "a param that is a number as text": ("400", "200 [3, 9]", "as in a query string"),
    "data is null": ("200 []", "400 BAD_REQUEST", ROWS),
    "no rows": ("200 []", "400 INVALID_PARAMETER_VALUE", ROWS),
    "too few cells": ("200", "400 BAD_REQUEST", ROWS),
    "records of scalars": ("400 INVALID_PARAMETER_VALUE", "400 BAD_REQUEST", STAGE),
    "inputs of two lengths": ("400 INVALID_PARAMETER_VALUE", "400 BAD_REQUEST", STAGE),
    "the model fails": ("400 BAD_REQUEST", "500 INTERNAL_ERROR", "it is not the client's fault"),
    "the model is late": (
        "504",
        "504 DEADLINE_EXCEEDED",
        "MLflow labels its body JSON, which it is not",
    ),
    "no Content-Type": ("500", "415 text/plain", "it is the client's fault"),
    "GET": ("405", "405 BAD_REQUEST", "one error shape, not two"),
    "PUT": ("405", "405 BAD_REQUEST", "one error shape, not two"),
    "HEAD ping": ("405", "200", "load balancers use HEAD"),
    "version": ("200", "200", "each has its own"),
}


def unexpected(answers: Mapping[str, tuple[str, str]]) -> list[str]:
    """Return the cases whose answers differ unexpectedly, or otherwise than listed here."""
    return [
        name
        for name, (mlflows, here) in answers.items()
        if (mlflows != here) != (name in DELTAS)
        or (name in DELTAS and not _is_as_listed(mlflows, here, DELTAS[name]))
    ]


def _is_as_listed(mlflows: str, here: str, delta: tuple[str, str, str]) -> bool:
    return mlflows.startswith(delta[0]) and here.startswith(delta[1])
