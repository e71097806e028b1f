"""Work in a process of its own: ask in JSON, hear of progress, get a result or an error.

The event loop only waits for lines, so calls go on undisturbed however large the work is.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from callcamp import errors
from callcamp.errors import CallcampError

OnProgress = Callable[[float, int], None]
"""Called with how far it is, from 0 to 1, and how many rows are done."""

_LINE_LIMIT = 16 * 1024 * 1024
_STDERR_KEPT = 4000


class ChildFailed(CallcampError):
    """A child process ended without an answer; details name ``status``, ``stderr``."""

    id = "child_failed"


class ChildTimeout(CallcampError):
    """A child process took longer than allowed and was ended."""

    id = "child_timeout"


async def ask_child(
    arguments: Sequence[str],
    job: dict[str, Any],
    *,
    timeout_s: float,
    on_progress: OnProgress | None = None,
    records: AsyncIterator[bytes] | None = None,
) -> dict[str, Any]:
    """Start a Python process, hand it a job, return its report.

    ``records`` are lines that the child reads after the job. It is ended whatever happens
    here: an error, a timeout, a cancellation.

    Raises:
        CallcampError: the error that the child reported, of its own class.
        ChildFailed: it died without a word.
        ChildTimeout: it took too long.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LINE_LIMIT,
        # One memory arena: each further one reserves address space that is never used.
        env={**os.environ, "MALLOC_ARENA_MAX": "1", "PYTHONUTF8": "1"},
    )
    try:
        async with asyncio.timeout(timeout_s):
            return await _converse(process, job, on_progress, records)
    except TimeoutError as error:
        raise ChildTimeout(
            f"This took longer than {timeout_s:.0f} s and was given up.", timeout_s=timeout_s
        ) from error
    finally:
        await asyncio.shield(_end(process))


async def _converse(
    process: asyncio.subprocess.Process,
    job: dict[str, Any],
    on_progress: OnProgress | None,
    records: AsyncIterator[bytes] | None,
) -> dict[str, Any]:
    """Hand the job over and read what the child says."""
    stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
    if stdin is None or stdout is None or stderr is None:
        raise AssertionError("all three are pipes")
    feeding = asyncio.create_task(_feed(stdin, job, records))
    complaint = asyncio.create_task(stderr.read(_STDERR_KEPT))
    answer: dict[str, Any] | None = None
    try:
        async for line in stdout:
            message = json.loads(line)
            if "progress" not in message:
                answer = message
            elif on_progress is not None:
                on_progress(message["progress"], message["rows"])
        status = await process.wait()
        if feeding.done():
            feeding.result()
        if answer is not None and "error" in answer:
            raise error_from(answer["error"])
        if answer is None:
            raise ChildFailed(
                "The process that did the work ended without an answer "
                f"({'signal' if status < 0 else 'status'} {abs(status)}).",
                status=status,
                stderr=(await complaint).decode(errors="replace").strip(),
            )
        return answer
    finally:
        for task in (feeding, complaint):
            task.cancel()
        await asyncio.gather(feeding, complaint, return_exceptions=True)


async def _feed(
    stdin: asyncio.StreamWriter, job: dict[str, Any], records: AsyncIterator[bytes] | None
) -> None:
    """Write the job and the records. A child that reads no more says why itself."""
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            stdin.write(json.dumps(job).encode() + b"\n")
            await stdin.drain()
            if records is not None:
                async for lines in records:
                    stdin.write(lines)
                    await stdin.drain()
    finally:
        stdin.close()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Make sure that a process is gone."""
    with contextlib.suppress(ProcessLookupError):
        if process.returncode is None:
            process.kill()
    await process.wait()
    # Else its pipes are closed only when the garbage collector finds them.
    transport = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()


def error_from(data: dict[str, Any]) -> CallcampError:
    """Return the error that a child described."""
    known = {
        kind.id: kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, CallcampError)
    }
    kind = known.get(data["id"], CallcampError)
    return kind(data["message"], **data["details"])
