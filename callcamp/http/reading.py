"""How a file is read, as the preview's form has it: encoding, delimiter, header, sheet."""

from __future__ import annotations

from typing import Any

from multidict import MultiMapping

from callcamp.contacts.table import ReadOptions
from callcamp.errors import InvalidInput

ENCODINGS: dict[str, str] = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "cp1252": "Western (Windows-1252)",
    "iso8859-15": "Western (ISO 8859-15)",
    "mac-roman": "Western (Macintosh)",
    "cp850": "Western (DOS 850)",
    "cp437": "Western (DOS 437)",
    "cp1250": "Central European (Windows-1250)",
    "iso8859-2": "Central European (ISO 8859-2)",
    "cp1257": "Baltic (Windows-1257)",
    "cp1251": "Cyrillic (Windows-1251)",
    "koi8-r": "Cyrillic (KOI8-R)",
    "cp1253": "Greek (Windows-1253)",
    "cp1254": "Turkish (Windows-1254)",
    "cp1255": "Hebrew (Windows-1255)",
    "cp1256": "Arabic (Windows-1256)",
    "gb18030": "Chinese (GB 18030)",
    "big5": "Chinese (Big5)",
    "shift_jis": "Japanese (Shift JIS)",
    "euc_kr": "Korean (EUC-KR)",
}
"""Encodings that the form offers; more can be given on the command line."""
DELIMITERS: dict[str, str] = {
    ",": "Comma ,",
    ";": "Semicolon ;",
    "\t": "Tab",
    "|": "Bar |",
    "^": "Caret ^",
    "~": "Tilde ~",
    ":": "Colon :",
}
"""Delimiters that the form offers."""
_TAB = "tab"
_HEADER: dict[str, bool | None] = {"": None, "yes": True, "no": False}

Choice = tuple[str, str, bool]
"""Value, words and whether it is chosen, of one line of a list."""


def options_of(report: dict[str, Any]) -> ReadOptions:
    """Return the options that a preview was made with."""
    return ReadOptions(**report.get("options", {}))


def read_options(data: MultiMapping[Any], report: dict[str, Any]) -> ReadOptions:
    """Return the options that the form means; what it does not send stays as it was.

    Sheets are told by their place, so that no name of a file can be mistaken.

    Raises:
        InvalidInput: there is no such sheet, or the delimiter is none.
    """
    old, sheets = options_of(report), report["file"].get("sheets", [])
    encoding = str(data.get("encoding", old.encoding or ""))
    delimiter = str(data.get("delimiter", old.delimiter or ""))
    sheet = old.sheet
    if place := str(data.get("sheet", "")):
        if not (place.isascii() and place.isdigit() and int(place[:6]) < len(sheets)):
            raise InvalidInput("There is no such sheet.", field="sheet", value=place)
        sheet = sheets[int(place)]
    return ReadOptions(
        encoding=encoding or None,
        delimiter="\t" if delimiter == _TAB else delimiter or None,
        header=_HEADER.get(data["header"]) if "header" in data else old.header,
        sheet=sheet,
    )


def choices(report: dict[str, Any]) -> dict[str, list[Choice]]:
    """Return the lists that the form has for a file, by the name of the field."""
    told, facts = options_of(report), report["file"]
    header = "the first row has names" if facts.get("header_row") else "it has no names"
    lists = {
        "header": [
            ("", _found(header, told.header), told.header is None),
            ("yes", "The first row has names", told.header is True),
            ("no", "The first row is data", told.header is False),
        ]
    }
    if facts.get("sheets"):
        chosen = facts.get("sheet")
        lists["sheet"] = [(str(i), n, n == chosen) for i, n in enumerate(facts["sheets"])]
    if facts.get("encoding"):
        lists["encoding"] = _list(ENCODINGS, told.encoding, facts["encoding"])
        lists["delimiter"] = [
            (_TAB if value == "\t" else value, words, chosen)
            for value, words, chosen in _list(
                DELIMITERS, told.delimiter, facts.get("delimiter", "")
            )
        ]
    return lists


def _list(known: dict[str, str], told: str | None, found: str) -> list[Choice]:
    """Return the lines of a list: find it out, then what is known, then what was told."""
    lines = [("", _found(known.get(found, found), told), told is None)]
    lines += [(value, words, value == told) for value, words in known.items()]
    if told is not None and told not in known:
        lines.append((told, told, True))
    return lines


def _found(words: str, told: object) -> str:
    """Return the words for what is found out by itself; what was told hides what that is."""
    return f"Auto: {words}" if told is None else "Automatic"
