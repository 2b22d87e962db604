"""`/openapi.json`: the whole service in OpenAPI 3.1, a section for each protocol."""
