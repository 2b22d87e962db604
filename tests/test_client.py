"""`mmf_core.client` against a service under gunicorn, with every kind of descriptor."""

import io
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from PIL import Image

from commands import wait_until
from mmf_core import client as module
from mmf_core.client import Client, InvalidValue, RequestRejected, ServerError, UnknownTarget
from services import serve

APP = """
import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()
TABLE, TEXT = mmf.DataFrame(), mmf.String()
SOME_TEXT, SEVEN = mmf.String(default="none"), mmf.Integer(default=7)
for returns, argument in {
    "table": mmf.DataFrame(),
    "sheet": mmf.DataFrame(format=mmf.XLSX),
    "typed": mmf.DataFrame(schema={"a": int}, format=mmf.JSON),
    "tree": mmf.Dict(),
    "array": mmf.Array(),
    "picture": mmf.Img(),
    "file": mmf.File(),
    "string": mmf.String(),
    "integer": mmf.Integer(),
    "float_": mmf.Float(),
    "flag": mmf.Bool(),
    "day": mmf.Date(),
    "days": mmf.List(mmf.Date()),
    "tags": mmf.List(mmf.String()),
    "moment": mmf.Datetime(),
    "ответ": mmf.String(default="нет"),
}.items():
    scope = {"one": argument}
    exec(f"def {returns}(data=one):\\n    'Return it.'\\n    return data", scope)
    registry.target(returns=argument)(scope[returns])


@registry.target
def nothing(data=TEXT):
    pass


@registry.target(returns=mmf.String())
def none_needed():
    return "called"


@registry.target(returns=mmf.Dict())
def several(data=TABLE, photo=mmf.Img(), text=SOME_TEXT, whole=SEVEN):
    return {"rows": data.to_dict("records"), "shape": photo.shape, "text": text, "whole": whole}


@registry.target(returns=mmf.Dict())
def defaults(text=SOME_TEXT, whole=SEVEN):
    return {"text": text, "whole": whole}


@registry.target(returns=mmf.DataFrame(format=mmf.JSON))
def mixed_cells():
    import pandas as pd

    return pd.DataFrame({"a": [1, "text"]})


@registry.target(returns=mmf.Integer())
def broken():
    raise RuntimeError("a secret")


app = create_app(registry)
"""
TYPES = pd.DataFrame(
    {
        "whole": pd.array([1, None], dtype="Int64"),
        "part": [0.1, np.nan],
        "text": ["007", "вино"],
        "day": pd.to_datetime(["2026-01-31", None]),
        "kind": pd.Categorical(["a", "b"]),
    }
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("client")
    settings = {"WEB_CONCURRENCY": "1", "MMF_FEEDBACK": "1"}
    with serve("gunicorn", folder, subprocess.DEVNULL, APP, **settings) as service:
        yield service.url


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url) as client:
        yield client


@pytest.fixture
def no_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    find = module.find_spec
    monkeypatch.setattr(module, "find_spec", lambda name: name != "pyarrow" and find(name))


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (3, 2), "red").save(buffer, "PNG")
    return buffer.getvalue()


# Values


def test_arrow_keeps_table_types(client: Client) -> None:
    pd.testing.assert_frame_equal(client.table(TYPES), TYPES)
    pd.testing.assert_frame_equal(client.sheet(data=TYPES), TYPES)  # whatever `returns` says


@pytest.mark.usefixtures("no_pyarrow")
def test_tables_without_pyarrow(client: Client) -> None:
    returned = client.table(TYPES)
    assert returned["whole"].tolist()[0] == 1
    assert returned["part"].tolist()[0] == 0.1
    assert returned["text"].tolist() == ["007", "вино"]
    assert returned.isna().to_numpy().tolist() == TYPES.isna().to_numpy().tolist()


def test_table_that_arrow_cannot_hold_is_sent_as_json(client: Client) -> None:
    table = pd.DataFrame({"a": [1, "text"]})
    pd.testing.assert_frame_equal(client.table(table, format="json"), table, check_dtype=False)
    with pytest.raises(RequestRejected) as refused:  # the client requests Arrow
        client.mixed_cells()
    assert refused.value.status == 406
    assert client.mixed_cells(format="json")["a"].tolist() == [1, "text"]


LONG = 2**53 + 1
EXACT = {
    "gaps": pd.Series([LONG, None], dtype=object),
    "nullable": pd.array([LONG, None], dtype="Int64"),
    "unsigned": pd.array([2**64 - 1, None], dtype="UInt64"),
    "category": pd.Categorical([LONG, None]),
    "day": pd.Series([date(2026, 1, 31), None], dtype=object),
    "moment": pd.to_datetime(["2026-01-31T00:00:00.123456789", None]),
}


@pytest.mark.parametrize("name", EXACT)
def test_integers_and_dates_are_exact(client: Client, name: str) -> None:
    table = pd.DataFrame({"a": EXACT[name]})
    returned = client.table(table)
    first, second = returned["a"].tolist()
    assert (first, pd.isna(second)) == (table["a"].tolist()[0], True)
    assert returned["a"].dtype == table["a"].dtype or name == "gaps"


@pytest.mark.usefixtures("no_pyarrow")
@pytest.mark.parametrize("name", ["gaps", "nullable", "unsigned", "category"])
def test_integers_are_exact_in_json(client: Client, name: str) -> None:
    first, second = client.table(pd.DataFrame({"a": EXACT[name]}))["a"].tolist()
    assert (first, pd.isna(second)) == (pd.Series(EXACT[name]).tolist()[0], True)


def test_numpy_dates_are_texts(client: Client) -> None:
    moments = np.array(["2026-01-31T00:00:00.123456789", "NaT"], "M8[ns]")
    sent = {"array": moments, "cell": moments[0], "null": moments[1], "nat": pd.NaT, "na": pd.NA}
    text = "2026-01-31T00:00:00.123456789"
    expected = {"array": [text, None], "cell": text, "null": None, "nat": None, "na": None}
    assert client.tree(sent) == expected


def test_table_may_be_rows_a_series_or_a_file(client: Client, tmp_path: Path) -> None:
    rows = [{"a": 1}, {"a": 2}]
    file = tmp_path / "вина.csv"
    file.write_text("a\n1\n2\n", encoding="utf-8")
    with file.open("rb") as opened:
        for value in (rows, pd.Series([1, 2], name="a"), file, opened):
            assert client.table(value)["a"].tolist() == [1, 2]


def test_requested_format_is_returned_as_bytes(client: Client) -> None:
    assert client.table([{"a": 1}], format="csv") == b"a\n1\n"


def test_sheet_is_selected(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "two.xlsx"
    with pd.ExcelWriter(file) as writer:
        for number in (1, 2):
            pd.DataFrame({"a": [number]}).to_excel(writer, sheet_name=f"s{number}", index=False)
    assert client.table(file, sheet="s2")["a"].tolist() == [2]


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("tree", {"вино": [1, None, {"a": 0.5}]}),
        ("string", "Бароло"),
        ("integer", -3),
        ("float_", 0.1),
        ("flag", True),
        ("day", date(2026, 1, 31)),
        ("days", [date(2026, 1, 31)]),
        ("tags", ["red", "[", ""]),
        ("tags", []),
        ("moment", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("file", bytes(range(256))),
        ("file", b'{"not": "base64"}'),
        ("picture", png()),
        ("ответ", "да"),
    ],
)
def test_value_round_trip(client: Client, target: str, value: Any) -> None:
    returned = client.call(target, value)
    if target == "picture":
        assert np.array_equal(
            *(np.asarray(Image.open(io.BytesIO(picture))) for picture in (returned, value))
        )
    else:
        assert (type(returned), returned) == (type(value), value)


@pytest.mark.parametrize("array", [np.arange(6, dtype="float32").reshape(2, 3), [[1, 2], [3, 4]]])
def test_array_round_trip(client: Client, array: Any) -> None:
    returned = client.array(array)
    assert np.array_equal(returned, array)
    assert returned.dtype == np.asarray(array).dtype


def test_numpy_scalars_are_accepted(client: Client) -> None:
    assert client.integer(np.int64(3)) == 3
    assert client.tree({"a": np.float64(0.5), "b": np.arange(2)}) == {"a": 0.5, "b": [0, 1]}


def test_targets_without_arguments_or_result(client: Client) -> None:
    assert client.nothing("text") is None
    assert client.none_needed() == "called"


def test_positional_and_keyword_arguments(client: Client, tmp_path: Path) -> None:
    file = tmp_path / 'p"1.png'
    file.write_bytes(png())
    rows = [{"a": 1}]
    expected = {"rows": rows, "shape": [2, 3, 3], "text": "вино", "whole": 7}
    assert client.several(pd.DataFrame(rows), png(), "вино") == expected
    assert client.several(text="вино", photo=file, data=rows) == expected
    assert client.defaults() == {"text": "none", "whole": 7}
    assert client.defaults(whole=8) == {"text": "none", "whole": 8}


# Feedback


def feedback(url: str, metric: str, target: str) -> float:
    """Return a feedback metric, or 0 if there is none yet."""
    with urllib.request.urlopen(f"{url}/metrics") as response:
        text = response.read().decode()
    match = re.search(rf'mmf_feedback_{metric}{{target="{target}",version=""}} (\S+)', text)
    return float(match[1]) if match else 0.0


def test_feedback_by_request_id(client: Client, url: str) -> None:
    assert client.last_request_id == ""
    assert client.float_(2.0) == 2.0
    first = client.last_request_id
    client.feedback(first, rewards=0.5, truths=2.5)
    client.feedback(first, rewards=0.25)
    assert client.last_request_id == first
    table = pd.DataFrame({"prediction": ["red"] * 3})
    client.table(table)
    client.feedback(client.last_request_id, truths=pd.Series(["red", None, "white"]))
    client.feedback(client.last_request_id, rewards={1: np.float32(1)}, truths=[np.nan, "red"])
    wait_until(lambda: feedback(url, "truths", "table") == 3)
    assert feedback(url, "reward_mean", "float_") == 0.25
    assert feedback(url, "mae", "float_") == 0.5
    assert feedback(url, "accuracy", "table") == pytest.approx(2 / 3)
    assert feedback(url, "rewards", "table") == 1


def test_long_feedback_is_sent_in_parts(client: Client, url: str) -> None:
    rows = 10_001
    client.typed([{"a": 1}] * rows, format="json")
    client.feedback(client.last_request_id, rewards=np.ones(rows))
    wait_until(lambda: feedback(url, "rewards", "typed") == rows)


def test_rejected_feedback_explains_why(client: Client) -> None:
    client.integer(1)
    with pytest.raises(InvalidValue, match="from 0 to 1, got 2"):
        client.feedback(client.last_request_id, rewards=2)
    with pytest.raises(InvalidValue, match="rows: expected"):
        client.feedback(client.last_request_id)
    with pytest.raises(UnknownTarget, match="no response has the id"):
        client.feedback("of nobody", rewards=1)


# Errors


def test_invalid_value_error_has_locations(client: Client) -> None:
    with pytest.raises(
        InvalidValue, match=r"^422 Unprocessable .*: .*match the schema \(request \w{32}\)$"
    ) as at:
        client.typed([{"a": "x"}])
    (fault,) = at.value.errors
    assert (fault["where"], fault["row"], fault["column"]) == ("data", 0, "a")
    assert at.value.status == 422
    with pytest.raises(InvalidValue) as marked:
        client.typed([{"a": "x"}], errors="xlsx")
    assert "errors" in openpyxl.load_workbook(io.BytesIO(marked.value.body)).sheetnames


def test_error_types(client: Client) -> None:
    with pytest.raises(UnknownTarget, match="404 Not Found: nothing is served at /tabel"):
        client.tabel([])
    with pytest.raises(RequestRejected, match="415"):
        client.table(b"bytes of what?")
    with pytest.raises(ServerError, match="its log has the reason") as failed:
        client.broken()
    assert failed.value.request_id
    assert "secret" not in str(failed.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda client: client.string("a", "b"), "string(data): got 2 positional arguments"),
        (lambda client: client.string(text="a"), "string(data): unknown argument 'text'"),
        (lambda client: client.string("a", data="b"), "string(data): duplicate argument 'data'"),
        (lambda client: client.tree({"a": object()}), "cannot send a value of type object"),
    ],
)
def test_unknown_arguments_raise_type_error(
    client: Client, call: Callable[[Client], Any], message: str
) -> None:
    with pytest.raises(TypeError) as error:
        call(client)
    assert message in str(error.value)


def test_unserializable_value_raises_value_error(client: Client) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        client.float_(float("nan"))


# The service


def test_targets_are_listed(client: Client) -> None:
    descriptions = client.targets()
    assert descriptions["table"] == "Return it."
    assert {"ответ", "several", "nothing"} < descriptions.keys()
    assert not {"health/live", "invocations"} & descriptions.keys()
    assert client.describe("table")["returns"]["class_name"] == "DataFrame"
    assert client.ready()


def test_client_is_thread_safe(client: Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(client.integer, range(200))) == list(range(200))
    assert 1 <= len(client._idle) <= 8


def test_repr(client: Client, url: str) -> None:
    assert repr(client) == f"Client({url!r})"
    assert "'score'" in repr(client.score)
    with pytest.raises(AttributeError):
        _ = client._no_target


def test_client_is_a_single_file(url: str, tmp_path: Path) -> None:
    """Copied alone, without any package, `-S`, and without this folder, `-I`."""
    shutil.copy(module.__file__, tmp_path)
    code = f"""if True:
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        from client import Client
        with Client({url!r}) as client:
            print(client.tree({{"a": 1}}), client.table([{{"a": 1}}]), client.array([[1, 2]]))
        print({{"mmf_core", "pandas", "numpy"}} & sys.modules.keys())
    """
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-W", "error", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "{'a': 1} [{'a': 1}] [[1, 2]]\nset()\n", done.stderr
