"""A service with every kind of descriptor, whose functions accept any valid argument."""

from datetime import date, datetime
from typing import Any

import mmf_core as mmf

SCHEMA = {
    "size": float,
    "count": mmf.Column(int | None, ge=0, le=1_000_000),
    "kind": mmf.Column(str, choices=["red", "white"]),
    "note": str | None,
    "ripe": bool,
    "picked": datetime,
    "day": date | None,
    "seen": mmf.Column(datetime, tz="Europe/Berlin"),
    "small": mmf.Column("int8", description="in centimetres"),
}
TABLE = mmf.DataFrame(description="any table")
ROWS = mmf.DataFrame(schema={"rows": int})
TYPED = mmf.DataFrame(schema=SCHEMA, format=mmf.JSON)
STRICT = mmf.DataFrame(schema={"size": mmf.Column(float, ge=0, lt=100)}, extra="refuse")
ARRAY = mmf.Array()
GRID = mmf.Array(shape=(None, 2), dtype="float32")
COUNTS = mmf.Array(shape=(None,), dtype="uint8")
NAMED = mmf.Array(columns=["height", "width"])
TREE = mmf.Dict()
DOCUMENT = mmf.JsonFile()
PICTURE = mmf.Img()
FILE = mmf.File()
TEXT = mmf.String()
WORD = mmf.String(choices=["one", "two"], default="one", description="how many")
WHOLE = mmf.Integer(ge=0, le=1000)
NUMBER = mmf.Float()
RATE = mmf.Float(ge=0, le=1, default=0.5)
FLAG = mmf.Bool()
MOMENT = mmf.Datetime()
LOCAL = mmf.Datetime(tz="Europe/Berlin")
DAY = mmf.Date()
TAGS = mmf.List(mmf.String(), max_items=20)
COUNTED = mmf.List(mmf.Integer(ge=0, le=9), min_items=1, default=[1])


def tables(target: Any) -> None:
    """Declare targets of tables."""

    @target(returns=ROWS, name="Count rows")
    def table(data: Any = TABLE) -> Any:
        return [{"rows": len(data)}]

    @target(returns=TYPED)
    def typed(data: Any = TYPED) -> Any:
        return data

    @target(returns=STRICT, timeout=60)
    def strict(data: Any = STRICT) -> Any:
        return data


def arrays(target: Any) -> None:
    """Declare targets of arrays."""

    @target(returns=ARRAY)
    def array(data: Any = ARRAY) -> Any:
        return data

    @target(returns=GRID)
    def grid(data: Any = GRID) -> Any:
        return data

    @target(returns=COUNTS)
    def counts(data: Any = COUNTS) -> Any:
        return data

    @target(returns=NAMED)
    def named(data: Any = NAMED) -> Any:
        return data


def files(target: Any) -> None:
    """Declare targets of trees, pictures and files."""

    @target(returns=TREE)
    def tree(data: Any = TREE) -> Any:
        return {"names": len(data)}

    @target(returns=DOCUMENT)
    def document(data: Any = DOCUMENT) -> Any:
        return [len(data)]

    @target(returns=PICTURE)
    def picture(photo: Any = PICTURE) -> Any:
        return photo[:, ::-1]

    @target(returns=FILE)
    def file(data: Any = FILE) -> Any:
        return bytes(data)


def scalars(target: Any) -> None:
    """Declare targets of one scalar."""

    @target(returns=TEXT)
    def text(value: Any = TEXT) -> Any:
        return value

    @target(returns=WHOLE)
    def whole(value: Any = WHOLE) -> Any:
        return value

    @target(returns=NUMBER)
    def number(value: Any = NUMBER) -> Any:
        return value

    @target(returns=FLAG)
    def flag(value: Any = FLAG) -> Any:
        return not value

    @target(returns=MOMENT)
    def moment(value: Any = MOMENT) -> Any:
        return value

    @target(returns=LOCAL)
    def local(value: Any = LOCAL) -> Any:
        return value

    @target(returns=DAY)
    def day(value: Any = DAY) -> Any:
        return value

    @target(returns=TAGS)
    def tags(values: Any = TAGS) -> Any:
        return values

    @target(returns=COUNTED)
    def counted(tags: Any = TAGS, numbers: Any = COUNTED) -> Any:
        return [min(9, len(tags)), *numbers]


def others(target: Any) -> None:
    """Declare targets of several arguments, and of none."""

    @target
    def nothing() -> None:
        pass

    @target(returns=TEXT)
    def scalars(word: Any = WORD, rate: Any = RATE, value: Any = WHOLE) -> Any:
        return f"{word} {rate} {value}"

    @target(returns=TREE)
    def предсказать(  # noqa: PLC2401 - a route in another script
        data: Any = STRICT,
        photo: Any = PICTURE,
        word: Any = WORD,
    ) -> Any:
        return {"rows": len(data), "pixels": photo.shape, "word": word}

    @target(returns=TREE)
    def labelled(data: Any = STRICT, word: Any = WORD, flag: Any = FLAG) -> Any:
        return {"rows": len(data), "word": word, "flag": flag}


def declare() -> mmf.Registry:
    """Return a registry with all targets."""
    registry = mmf.Registry()
    for part in (tables, arrays, files, scalars, others):
        part(registry.target)
    return registry
