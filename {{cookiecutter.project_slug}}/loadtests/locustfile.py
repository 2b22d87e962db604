"""The load test: one task per target, each answer checked, a gate on failures and on time.

`make load` starts the service and runs this; against a service that runs elsewhere:
`locust -f loadtests/locustfile.py --headless -u 10 -t 10s --host http://127.0.0.1:8000`.
"""

import io
import os
import zipfile
from collections.abc import Callable

import gevent
import orjson
from locust import FastHttpUser, constant, events, task
from locust.contrib.fasthttp import FastResponse
from locust.env import Environment
from PIL import Image
from sklearn.datasets import load_wine
from urllib3 import encode_multipart_formdata

JSON = "application/json"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
COLOUR = "#7b1e2b"

# Bodies are made once: making them for each request would measure this file, not the service.
WINES = load_wine(as_frame=True).data.head(20)
ONE_WINE = orjson.dumps(WINES.iloc[0].to_dict())
RECORDS = orjson.dumps(WINES.to_dict("records"))


def workbook() -> bytes:
    """Write the wines as an .xlsx file."""
    file = io.BytesIO()
    WINES.to_excel(file, index=False)
    return file.getvalue()


def picture() -> bytes:
    """Draw a picture of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (64, 64), COLOUR).save(file, "PNG")
    return file.getvalue()


WORKBOOK = workbook()
FORM, FORM_TYPE = encode_multipart_formdata(
    {"photo": ("wine.png", picture(), "image/png"), "notation": "hex"}
)

# gevent's clock stood still during the imports above: `--run-time` would be shorter by as much.
gevent.get_hub().loop.update_now()


def predicts_every_wine(body: bytes) -> bool:
    """Check a JSON table: a prediction for each row."""
    records = orjson.loads(body)
    return len(records) == len(WINES) and all("prediction" in record for record in records)


def is_sheet_of_every_wine(body: bytes) -> bool:
    """Check an .xlsx table by its rows, without the time that reading the cells would take."""
    sheet = zipfile.ZipFile(io.BytesIO(body)).read("xl/worksheets/sheet1.xml")
    return sheet.count(b"<row ") == len(WINES) + 1  # and the line of names


def names_the_likeliest(body: bytes) -> bool:
    """Check that the cultivar is the one with the highest probability."""
    answer = orjson.loads(body)
    probabilities: dict[str, float] = answer["probabilities"]
    return bool(answer["cultivar"] == max(probabilities, key=lambda name: probabilities[name]))


def is_the_colour(body: bytes) -> bool:
    """Check that a picture of one colour has that colour."""
    return bool(orjson.loads(body)["result"].lower() == COLOUR)


class Caller(FastHttpUser):
    """Someone who sends the next request as soon as the last one is answered."""

    wait_time = constant(0)

    def send(
        self,
        name: str,
        path: str,
        body: bytes,
        headers: dict[str, str],
        check: Callable[[bytes], bool],
    ) -> None:
        """Post `body` and count the answer as a failure where `check` does not hold."""
        with self.client.post(
            path,
            data=body,  # type: ignore[arg-type]  # bytes are sent as they are, says its code
            headers=headers,
            name=name,
            catch_response=True,
        ) as response:
            problem = wrong(response, check)
            if problem:
                response.failure(problem)

    @task
    def score_json(self) -> None:
        """Send a table as JSON and ask for JSON."""
        headers = {"Content-Type": JSON, "Accept": JSON}
        self.send("score json", "/score", RECORDS, headers, predicts_every_wine)

    @task
    def score_xlsx(self) -> None:
        """Send a table as Excel and take the default, Excel."""
        headers = {"Content-Type": XLSX}
        self.send("score xlsx", "/score", WORKBOOK, headers, is_sheet_of_every_wine)

    @task
    def explain(self) -> None:
        """Send one wine."""
        self.send("explain", "/explain", ONE_WINE, {"Content-Type": JSON}, names_the_likeliest)

    @task
    def colour(self) -> None:
        """Send a picture and a text."""
        self.send("colour", "/colour", FORM, {"Content-Type": FORM_TYPE}, is_the_colour)


def wrong(response: FastResponse, check: Callable[[bytes], bool]) -> str | None:
    """Say what is wrong with an answer; None where nothing is."""
    if response.status_code != 200:  # noqa: PLR2004
        return f"status {response.status_code}"
    try:
        return None if check(response.content) else "not the right answer"
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        return f"not an answer at all: {error!r}"


@events.quitting.add_listener  # type: ignore[untyped-decorator]  # locust's has no annotations
def judge(environment: Environment, **_: object) -> None:
    """Make locust's exit code the verdict: 0 within both limits, else 1."""
    total = environment.stats.total
    p95 = total.get_response_time_percentile(0.95) or 0
    limits = {
        "failed": (total.fail_ratio, float(os.environ.get("LOAD_FAIL_RATIO", "0"))),
        "p95 in ms": (p95, float(os.environ.get("LOAD_P95_MS", "1000"))),
    }
    good = total.num_requests > 0 and all(seen <= most for seen, most in limits.values())
    figures = [f"{name} {seen:g} (limit {most:g})" for name, (seen, most) in limits.items()]
    verdict = f"load test {'passed' if good else 'FAILED'}: {total.num_requests} requests"
    # The last line of all, below locust's own tables.
    environment.events.quit.add_listener(lambda **_: print(verdict, *figures, sep=", "))
    environment.process_exit_code = 0 if good else 1
