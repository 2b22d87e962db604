"""`/docs`: Swagger UI for `/openapi.json`."""
