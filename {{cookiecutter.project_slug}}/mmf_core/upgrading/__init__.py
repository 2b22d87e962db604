"""A project takes what a newer version of its template has changed."""
