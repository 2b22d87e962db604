"""`GET /`: a page with a form for every target, for people who have a file and not a program."""
