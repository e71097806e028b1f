"""Uploaded files: streamed to disk, never larger than the limit, never under their own name."""

from __future__ import annotations

import asyncio
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aiohttp import BodyPartReader, web

from callcamp.errors import InvalidInput, LimitExceeded, StoreError
from callcamp.http.context import CSRF, SETTINGS, readable
from callcamp.http.csrf import FIELD

MAX_NAME = 200
SUFFIXES = frozenset({".csv", ".txt", ".tsv", ".xls", ".xlsx"})
_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was sent: where it lies, and what its owner calls it."""

    path: Path
    filename: str


async def receive(request: web.Request) -> Upload:
    """Write the one file of a form to the data folder.

    The form's token comes before the file, so that nothing is written for strangers.

    Raises:
        StaleForm: the token is missing or wrong.
        InvalidInput: there is no file, or of no kind that can be read.
        LimitExceeded: it is larger than ``import_max_mib``.
        StoreError: it cannot be written, as when the disk is full.
    """
    limit = request.app[SETTINGS].import_max_mib * (1 << 20)
    if request.content_type != "multipart/form-data":
        raise InvalidInput("Send the file as a form.", field="file", value=request.content_type)
    if request.content_length is not None and request.content_length > limit + (1 << 16):
        raise _too_large(limit, request.content_length)
    token = ""
    with readable():
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader):
                break
            if part.name == FIELD:
                token = (await part.read_chunk(200)).decode("ascii", "replace")
                continue
            if part.name == "file":
                request.app[CSRF].check(request, token)
                filename = clean_name(part.filename or "")
                return Upload(await save(request, part, filename, limit), filename)
    request.app[CSRF].check(request, token)
    raise InvalidInput("Choose a file to upload.", field="file", value="")


def clean_name(name: str) -> str:
    """Return a file's name without folders and control characters, at most 200 characters.

    Raises:
        InvalidInput: nothing is left, or its ending is of no kind that can be read.
    """
    bare = name.replace("\\", "/").rpartition("/")[2]
    bare = "".join(c for c in bare if c.isprintable()).strip()
    if not bare:
        raise InvalidInput("Choose a file to upload.", field="file", value=name)
    suffix = Path(bare).suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidInput(
            f"{bare!r} is of a kind that cannot be imported; give a .csv, .xls or .xlsx file.",
            field="file",
            value=bare,
        )
    return bare if len(bare) <= MAX_NAME else bare[: MAX_NAME - len(suffix)] + suffix


async def save(request: web.Request, part: BodyPartReader, filename: str, limit: int) -> Path:
    """Write one file of a form to the data folder.

    Args:
        request: the request.
        part: the file.
        filename: its name, clean.
        limit: most bytes.

    Raises:
        InvalidInput: it is empty.
        LimitExceeded: it is larger than ``limit``.
        StoreError: it cannot be written, as when the disk is full.
    """
    folder = request.app[SETTINGS].data_dir / "uploads"
    path = folder / f"{secrets.token_hex(16)}{Path(filename).suffix.lower()}"
    await asyncio.to_thread(folder.mkdir, 0o700, parents=True, exist_ok=True)
    descriptor = await asyncio.to_thread(os.open, path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            size = 0
            while chunk := await part.read_chunk(_CHUNK):
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit, size)
                await asyncio.to_thread(file.write, chunk)
            if not size:
                raise InvalidInput(f"{filename!r} is empty.", field="file", value=filename)
    except BaseException as error:
        with suppress(FileNotFoundError):
            # Not awaited: this also runs when the request is cancelled.
            path.unlink()
        if isinstance(error, OSError) and not isinstance(error, ConnectionError):
            raise StoreError(
                f"The file cannot be kept: {error.strerror}. `callcamp doctor` says more."
            ) from error
        raise
    return path


def _too_large(limit: int, size: int) -> LimitExceeded:
    return LimitExceeded(
        f"The file is larger than {limit >> 20} MB, the most that can be imported at once.",
        limit=limit,
        value=size,
    )
