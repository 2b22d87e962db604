"""Texts with expensive unusual parts: numbers, names, escapes and cells."""

from collections.abc import Iterator

from hostile_inputs import ANY, CSV, FORM, JSON, MIB, REFUSED, XML, YAML, HostileInput


def numbers() -> Iterator[HostileInput]:
    """Yield long lists with numbers that no float holds."""
    for name, item, count in (("one", b"1", 6_000_000), ("each", b"1e999", 5_000_000)):
        yield HostileInput(
            f"JSON: a number that is too large in a list of {count:,}: {name}",
            "/array",
            JSON,
            lambda item=item, count=count: b"[" + (item + b",") * count + b"1e999]",
            REFUSED,
            seconds=5,
            mib=500,
        )


def names() -> Iterator[HostileInput]:
    """Yield prefixes that a parser prepends to each name, and texts that Python caches."""
    for path in ("/table", "/tree"):
        yield HostileInput(
            f"XML: a namespace of 500 kB before 2,000 names to {path}",
            path,
            XML,
            lambda: (
                b'<t xmlns="%b"><r>' % (b"u" * 500_000)
                + b"".join(b"<a%d/>" % index for index in range(2_000))
                + b"</r></t>"
            ),
            REFUSED,
        )
    yield HostileInput(
        "XML: 20 times an encoding with a name of 2 MiB",
        "/table",
        XML,
        lambda: b'<?xml version="1.0" encoding="%b"?><t/>' % (b"x" * 2 * MIB),
        REFUSED,
        times=20,
    )


def escapes() -> Iterator[HostileInput]:
    """Yield forms in which each byte takes three."""
    for count, statuses in ((2_000_000, ANY), (16_000_000, REFUSED)):
        yield HostileInput(
            f"urlencoded: {count:,} escapes",
            "/words",
            FORM,
            lambda count=count: b"text=" + b"%41" * count,
            statuses,
            seconds=4,
            mib=120,
        )


def cells() -> Iterator[HostileInput]:
    """Yield CSVs of very many unexpected rows."""
    yield HostileInput(
        "a CSV of 9,000,000 rows under a header of two separators",
        "/strict",
        CSV,
        lambda: b"a;b,c\n" + b"1\n" * 9_000_000,
        REFUSED,
        seconds=5,
        mib=600,
    )
    yield HostileInput(
        "a CSV of 4,500,000 rows of whole numbers and a word",
        "/whole",
        CSV,
        lambda: b"a,b\n" + b"1,2\n" * 4_500_000 + b"x,y\n",
        REFUSED,
        seconds=5,
        mib=600,
    )
    for name, columns, start, end in (
        ("2,000 columns", 2_000, b"a", b""),
        ("16,000 columns", 16_000, b"a", b""),
        ("2,000 columns between two quotes", 2_000, b'x"', b',y"z'),
    ):
        yield HostileInput(
            f"a CSV of {name} and 60,000 rows of a cell",
            "/strict",
            CSV,
            lambda columns=columns, start=start, end=end: (
                b",".join([start, *(b"c%d" % index for index in range(columns))])
                + end
                + b"\n"
                + b"1\n" * 60_000
            ),
            frozenset({400}),
            seconds=1,
            mib=40,
        )
    for name, path, cell in (
        ("1,499,990 different whole numbers with a point", "/whole", "{}.0,1"),
        ("1,499,990 different numbers", "/strict", "{}.5,1"),
        ("249,000 different lenient numbers", "/lenient", "{} 234.5,x"),
    ):
        yield HostileInput(
            f"a CSV of {name} and a word",
            path,
            CSV,
            lambda name=name, cell=cell: "\n".join(
                ["a,b", *map(cell.format, range(int(name.split()[0].replace(",", "")))), "x,x", ""]
            ).encode(),
            REFUSED,
            seconds=5,
            mib=600,
        )


def digits() -> Iterator[HostileInput]:
    """Yield whole numbers of many digits, which Python reads and writes in quadratic time."""
    for path, media_type, start, item in (
        ("/table", CSV, b"a\n", b""),
        ("/array", CSV, b"", b""),
        ("/tree", YAML, b"a:\n", b"- "),
    ):
        yield HostileInput(
            f"10,000 whole numbers of 4,000 digits to {path}",
            path,
            media_type,
            lambda start=start, item=item: start + (item + b"9" * 4_000 + b"\n") * 10_000,
            REFUSED,
            seconds=5,
            mib=400,
        )


def texts() -> Iterator[HostileInput]:
    """Yield all inputs of this module."""
    yield from numbers()
    yield from names()
    yield from escapes()
    yield from cells()
    yield from digits()
