"""A site with one page: a form that has a workbook predicted by the service."""
