"""Reading and writing HTTP: bodies, charsets, content codings, negotiation, arguments."""
