"""The rows of an XML text, read as a stream: no tree is built, however deep or long it is."""

from __future__ import annotations

from ..errors import RequestError

XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XSI = f"{{{XSI}}}"
_NIL = f"{_XSI}nil"
_ROOT, _ROW, _CELL = 1, 2, 3


class Rows(list[dict[str, str | None]]):
    """What the parser calls: collects column → text for each row."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._column = ""
        self._is_null = False
        self._text: list[str] = []

    @classmethod
    def of(cls, data: bytes) -> Rows:
        """Return the rows; RequestError says what is wrong with the text."""
        from xml.etree.ElementTree import ParseError

        from defusedxml import DefusedXmlException
        from defusedxml.ElementTree import DefusedXMLParser

        rows = cls()
        parser = DefusedXMLParser(target=rows, forbid_dtd=True)
        try:
            parser.feed(data)
            parser.close()
        except DefusedXmlException:
            raise RequestError("this XML has a DTD or entities, which are not read") from None
        except (ParseError, ValueError, LookupError) as error:  # LookupError: of an encoding
            if isinstance(error, RequestError):
                raise
            raise RequestError(f"this XML cannot be read: {error}") from None
        return rows

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == _ROW:
            self.append({})
            for name, text in attributes.items():
                if not name.startswith(_XSI):
                    self._put(_local(name), text)
        elif self._depth == _CELL:
            self._begin_cell(_local(tag), attributes)
        elif self._depth > _CELL:
            raise RequestError(
                f"this XML is no table: <{_local(tag)}> is inside of a cell, which holds text only"
            )

    def data(self, text: str) -> None:
        if self._depth == _CELL:
            self._text.append(text)
        elif text.strip():
            raise RequestError(f"this XML is no table: {text.strip()[:20]!r} is in no cell")

    def end(self, tag: str) -> None:
        if self._depth == _CELL:
            self._put(self._column, None if self._is_null else "".join(self._text))
        self._depth -= 1

    def close(self) -> Rows:
        return self

    def _begin_cell(self, tag: str, attributes: dict[str, str]) -> None:
        own = {name: text for name, text in attributes.items() if not name.startswith(_XSI)}
        self._column = own.pop("name", tag) if tag == "cell" else tag
        if own:
            raise RequestError(
                f"this XML is no table: <{tag}> has the attribute {_local(next(iter(own)))}; "
                f"a cell holds text only"
            )
        self._is_null = attributes.get(_NIL) in {"true", "1"}
        self._text = []

    def _put(self, name: str, text: str | None) -> None:
        row = self[-1]
        if name in row:
            raise RequestError(f"this XML is no table: row {len(self) - 1} has {name} twice")
        row[name] = text


def _local(name: str) -> str:
    """Return a name without its namespace, which says nothing of a column."""
    return name.rpartition("}")[2] if name.startswith("{") else name
