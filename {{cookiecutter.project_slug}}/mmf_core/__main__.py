"""`python -m mmf_core`: the same as `mmfmeta`."""

from .cli import main

main(prog_name="mmfmeta")
