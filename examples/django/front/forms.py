"""The form: one file."""

from django import forms
from django.core.validators import FileExtensionValidator


class WorkbookForm(forms.Form):
    """Asks for a workbook or a CSV file; what is in it, the service checks."""

    workbook = forms.FileField(
        label="Excel or CSV file",
        validators=[FileExtensionValidator(["xlsx", "xls", "ods", "csv"])],
    )
