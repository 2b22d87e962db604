"""The page on Django's live server, before a running service: python manage.py test."""

import base64
import re
from http.cookiejar import CookieJar
from io import BytesIO
from urllib.error import HTTPError
from urllib.request import HTTPCookieProcessor, Request, build_opener

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import LiveServerTestCase
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from openpyxl import Workbook, load_workbook

from . import views
from .client import Client

COLUMNS = (
    *("alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols"),
    *("flavanoids", "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue"),
    *("od280/od315_of_diluted_wines", "proline"),
)
WINE = (14.23, 1.71, 2.43, 15.6, 127, 2.8, 3.06, 0.28, 2.29, 5.64, 1.04, 3.92, 1065)


def workbook(*rows: tuple[object, ...]) -> bytes:
    """Return a workbook with these rows."""
    book, content = Workbook(), BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(content)
    return content.getvalue()


class PageTest(LiveServerTestCase):
    """A person's way through the form, by HTTP."""

    databases = frozenset()

    def setUp(self) -> None:
        self.browser = build_opener(HTTPCookieProcessor(CookieJar()))
        with self.browser.open(self.live_server_url) as page:
            self.token = re.search(r'csrfmiddlewaretoken" value="(\w+)', page.read().decode())[1]

    def submit(self, name: str, content: bytes) -> tuple[int, str, bytes]:
        """Submit the form; return the status, the name of the file that is downloaded, the body."""
        form = {
            "csrfmiddlewaretoken": self.token,
            "workbook": SimpleUploadedFile(name, content),
        }
        body = encode_multipart(BOUNDARY, form)
        request = Request(self.live_server_url, body, {"Content-Type": MULTIPART_CONTENT})
        try:
            response = self.browser.open(request)
        except HTTPError as error:
            response = error
        with response:
            return response.status, response.headers.get_filename(""), response.read()

    def test_workbook_comes_back_with_its_predictions(self) -> None:
        book = workbook((*COLUMNS, "id"), (*WINE, "A-17"))
        status, name, content = self.submit("wines.xlsx", book)
        self.assertEqual((status, name), (200, "wines-predictions.xlsx"))
        rows = list(load_workbook(BytesIO(content)).active.values)
        self.assertEqual(rows, [("id", "prediction"), ("A-17", "class_0")])

    def test_invalid_cell_is_shown_with_the_row_of_the_spreadsheet(self) -> None:
        book = workbook(COLUMNS, WINE, ("strong", *WINE[1:]))
        status, _, page = self.submit("wines.xlsx", book)
        self.assertEqual(status, 422)
        self.assertInHTML(
            "<tr><td>3<td>alcohol<td>expected a number, got &quot;strong&quot;", page.decode()
        )
        marked = re.search(r'base64,([^"]+)"', page.decode())[1]
        cell = load_workbook(BytesIO(base64.b64decode(marked))).active["A3"]
        self.assertEqual(cell.value, "strong")
        self.assertIn("expected a number", cell.comment.text)

    def test_missing_column_is_shown(self) -> None:
        status, _, page = self.submit("wines.xlsx", workbook(COLUMNS[1:], WINE[1:]))
        self.assertEqual(status, 422)
        self.assertIn("alcohol", page.decode())

    def test_other_files_are_refused(self) -> None:
        status, _, page = self.submit("wines.txt", b"red")
        self.assertEqual(status, 200)
        self.assertIn("txt", page.decode())
        status, _, page = self.submit("wines.xlsx", b"not a workbook")
        self.assertEqual(status, 400)
        self.assertIn("errorlist", page.decode())

    def test_page_says_that_the_service_is_down(self) -> None:
        views.CLIENT, client = Client("http://127.0.0.1:9", retries=0), views.CLIENT
        self.addCleanup(setattr, views, "CLIENT", client)
        status, _, page = self.submit("wines.xlsx", workbook(COLUMNS, WINE))
        self.assertEqual(status, 503)
        self.assertIn("at the moment", page.decode())
