"""Tasks: calls of targets whose results are fetched later."""
