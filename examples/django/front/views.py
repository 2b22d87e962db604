"""The page's view: the workbook goes to the service, its predictions or its errors come back."""

from base64 import b64encode
from io import BytesIO
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, HttpRequest, HttpResponseBase
from django.shortcuts import render

from .client import Client, InvalidValue, RequestRejected, ServiceError
from .forms import WorkbookForm

CLIENT = Client(settings.MODEL_SERVICE, timeout=30)
FIRST_ROW = 2  # of the values, as a spreadsheet counts; the service counts from 0


def upload(request: HttpRequest) -> HttpResponseBase:
    """Show the form, respond with the predictions as a workbook, or show what is invalid."""
    form = WorkbookForm(request.POST or None, request.FILES or None)
    if not form.is_valid():
        return render(request, "front/upload.html", {"form": form})
    workbook = form.cleaned_data["workbook"]
    try:
        predictions = CLIENT.score(workbook, format="xlsx")
    except InvalidValue as error:
        context = {"form": form, "errors": with_row_numbers(error), "marked": marked(workbook)}
        return render(request, "front/upload.html", context, status=422)
    except RequestRejected as error:  # not a table, too large
        form.add_error("workbook", error.detail)
        return render(request, "front/upload.html", {"form": form}, status=error.status)
    except ServiceError as error:
        form.add_error(None, f"The predictions cannot be made at the moment. {error}")
        return render(request, "front/upload.html", {"form": form}, status=503)
    name = f"{Path(workbook.name).stem}-predictions.xlsx"
    return FileResponse(BytesIO(predictions), as_attachment=True, filename=name)


def with_row_numbers(error: InvalidValue) -> list[dict[str, object]]:
    """Return what is invalid, with rows as the user's spreadsheet numbers them."""
    return [
        {**entry, "row": entry["row"] + FIRST_ROW} if "row" in entry else entry
        for entry in error.errors
    ]


def marked(workbook: UploadedFile) -> str:
    """Return the workbook with its invalid cells marked, in base64; "" if it cannot be marked."""
    workbook.seek(0)
    try:
        CLIENT.score(workbook, errors="xlsx")
    except InvalidValue as error:
        return "" if error.errors else b64encode(error.body).decode()
    return ""
