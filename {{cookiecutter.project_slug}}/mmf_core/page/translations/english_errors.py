"""The page's English wording of the service's errors, where it differs: for people with files.

Keys and placeholders are explained in `errors`.
"""

ENGLISH_ERRORS = {
    "unsupported Content-Type {_}; send {formats}": (
        "this kind of file is not read here; send {formats}"
    ),
    "missing Content-Type; send {formats}": "this kind of file is not read here; send {formats}",
}
