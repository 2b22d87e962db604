"""`mmfmeta schema from-gx`: a suite of Great Expectations as the schema of a table."""
