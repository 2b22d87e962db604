"""The form: one file."""

from django import forms
from django.core.validators import FileExtensionValidator


class WorkbookForm(forms.Form):
    """A workbook or a CSV file, whose content the service checks."""

    workbook = forms.FileField(
        label="Excel or CSV file",
        validators=[FileExtensionValidator(["xlsx", "xls", "ods", "csv"])],
    )
