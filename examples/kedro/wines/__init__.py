"""The pipelines of the wines."""
