"""What a file is, by what is in it; its name only has to be plausible."""

from __future__ import annotations

import zipfile
from enum import StrEnum
from pathlib import Path, PurePath

from callcamp.contacts.table import Limits
from callcamp.errors import InvalidInput, LimitExceeded


class FileKind(StrEnum):
    """The kinds of file that are read."""

    TEXT = "csv"
    XLS = "xls"
    XLSX = "xlsx"


_SUFFIXES = frozenset({"", ".csv", ".tsv", ".tab", ".txt", ".xls", ".xlsx", ".xlsm"})
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"{\\rtf", "an RTF document"),
    (b"SQLite format 3", "a database"),
)
_MARKUP: tuple[tuple[bytes, str], ...] = (
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<table", "a web page"),
    (b"<?xml", "an XML document"),
    (b'{"', "a JSON document"),
    (b"[{", "a JSON document"),
)
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_WORKBOOK = "Workbook".encode("utf-16-le")
_BOOK = "Book".encode("utf-16-le")
_HEAD_BYTES = 64 * 1024


def check_size(path: Path, limits: Limits) -> int:
    """Return the size of a file.

    Raises:
        InvalidInput: it is empty, or no plain file (a device may never end).
        LimitExceeded: it is larger than allowed.
    """
    if path.exists() and not path.is_file():
        raise InvalidInput(f"{path.name!r} is no plain file.", field="file", value=path.name)
    size = path.stat().st_size
    if size == 0:
        raise InvalidInput("The file is empty.", field="file", value="empty")
    if size > limits.max_bytes:
        raise LimitExceeded(
            f"The file has {size / 1024**2:,.1f} MiB; at most {limits.max_bytes / 1024**2:,.0f} "
            "MiB are read. Split it.",
            limit="import_max_mib",
            value=size,
        )
    return size


def detect(path: Path, filename: str, limits: Limits) -> FileKind:
    """Return what kind of file this is.

    Raises:
        InvalidInput: none that is read here.
        LimitExceeded: a workbook that unpacks to more than allowed.
    """
    suffix = PurePath(filename).suffix.lower()
    if suffix not in _SUFFIXES:
        raise _refusal(f"files named {suffix} are not read", filename)
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head.startswith(_OLE):
        return _ole_kind(path, filename)
    if head.startswith(b"PK"):
        _check_workbook(path, filename, limits)
        return FileKind.XLSX
    for magic, words in _MAGIC:
        if head.startswith(magic):
            raise _refusal(f"it is {words}", filename)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for magic, words in _MARKUP:
        if start.startswith(magic):
            raise _refusal(f"it is {words}, whatever its name says", filename)
    if _is_binary(head):
        raise _refusal("it holds no text", filename)
    return FileKind.TEXT


def _refusal(what: str, filename: str) -> InvalidInput:
    """Return the refusal of a file that is not what it should be."""
    return InvalidInput(
        f"{filename!r} cannot be imported: {what}. Give a CSV, XLS or XLSX file (a "
        "spreadsheet program can save as either).",
        field="file",
        value=filename,
    )


def _ole_kind(path: Path, filename: str) -> FileKind:
    """Tell an old workbook from other files of the same container."""
    data = path.read_bytes()
    if _ENCRYPTED in data:
        raise _refusal("it is protected by a password", filename)
    if _WORKBOOK in data or _BOOK in data:
        return FileKind.XLS
    raise _refusal("it is an Office file, but no workbook", filename)


def _check_workbook(path: Path, filename: str, limits: Limits) -> None:
    """Refuse a zip archive that is no workbook, or that unpacks to too much."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _refusal("its zip archive is damaged", filename) from error
    names = {part.filename.lower() for part in parts}
    if "xl/workbook.bin" in names:
        raise _refusal("it is a binary workbook (XLSB)", filename)
    if "mimetype" in names:
        raise _refusal("it is an OpenDocument file", filename)
    if "xl/workbook.xml" not in names:
        raise _refusal("it is a zip archive, but no workbook", filename)
    if any(part.flag_bits & 1 for part in parts):
        raise _refusal("it is protected by a password", filename)
    unpacked = sum(part.file_size for part in parts)
    if unpacked > limits.max_unpacked_bytes:
        raise LimitExceeded(
            f"The workbook unpacks to {unpacked / 1024**2:,.0f} MiB; at most "
            f"{limits.max_unpacked_bytes / 1024**2:,.0f} MiB are read.",
            limit="max_unpacked_bytes",
            value=unpacked,
        )


def _is_binary(head: bytes) -> bool:
    """Whether bytes are no text in any encoding that people use."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    nuls = head.count(0)
    if nuls:
        # UTF-16 without its mark: every other byte is NUL in Western text.
        return not (nuls > len(head) / 4 and min(head[::2].count(0), head[1::2].count(0)) == 0)
    controls = sum(head.count(byte) for byte in range(32) if byte not in b"\t\n\v\f\r\x1b\x1c\x1d")
    return controls > max(8, len(head) / 50)
