"""Tasks: a target called now whose result is fetched later."""
