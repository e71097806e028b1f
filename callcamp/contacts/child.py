"""The process that reads an uploaded file: ``python -m callcamp.contacts.child``.

A file may be hostile or just huge, so it is read where nothing else can be harmed: with a
limit on memory, and away from the event loop that places calls. The job comes as one JSON
line on standard input; progress, then the report or an error, go out as JSON lines.
"""

from __future__ import annotations

import gc
import json
import resource
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from callcamp.contacts import sheets, staging, text  # noqa: F401 - loaded before the limit
from callcamp.contacts.mapping import Mapping
from callcamp.contacts.saying import say as say_to
from callcamp.contacts.sniff import check_size
from callcamp.contacts.staging import Job
from callcamp.contacts.table import Limits, ReadOptions
from callcamp.errors import CallcampError, InvalidInput, LimitExceeded

_MIB = 1024 * 1024


def limit_memory(mib: int) -> None:
    """Let this process have ``mib`` MiB of memory in all.

    Address space is what the kernel can limit. What is mapped by now, mostly code and
    reserve, does not count: from here on every further page may be used in earnest.
    """
    pages = Path("/proc/self/statm").read_text().split()
    page = resource.getpagesize()
    mapped, resident = int(pages[0]) * page, int(pages[1]) * page
    limit = mapped + max(mib * _MIB - resident, 64 * _MIB)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    # A crash is an answer here; its core would be as large as the limit.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def peak_mib() -> float:
    """Return the most memory that this process ever had.

    ``getrusage`` would count the parent's, from the moment before this program started.
    """
    status = Path("/proc/self/status").read_text()
    return round(int(status.partition("VmHWM:")[2].split()[0]) / 1024, 1)


def too_much_memory(mib: int) -> LimitExceeded:
    """Return the refusal of a file that needs more memory than allowed."""
    return LimitExceeded(
        f"Reading the file needs more than {mib} MiB of memory. A workbook with a stray cell "
        "far away from its table does that: delete what stands outside the table, or save it "
        "as CSV.",
        limit="import_memory_mib",
        value=mib,
    )


def run(job: dict[str, Any], out: TextIO) -> None:
    """Do a job and write what came of it.

    Args:
        job: ``path``, ``filename``, ``folder``, ``region``, ``mapping``, ``options``,
            ``limits`` and ``memory_mib``; ``keep`` when the file is to be kept as well.
        out: where JSON lines go.
    """
    say = partial(say_to, out)
    folder = Path(job["folder"])
    mapping = job["mapping"]
    try:
        upload = folder / staging.UPLOAD_FILE
        if job.get("keep"):
            # Before the copy: it should not fill the disk to be refused then.
            check_size(Path(job["path"]), Limits(**job["limits"]))
            shutil.copyfile(job["path"], upload)
        report = staging.stage(
            Job(
                path=Path(job["path"]),
                filename=job["filename"],
                folder=folder,
                region=job["region"],
                mapping=None if mapping is None else Mapping.from_dict(mapping),
                options=ReadOptions(**job["options"]),
                limits=Limits(**job["limits"]),
            ),
            lambda fraction, rows: say(progress=fraction, rows=rows),
        )
        say(report=report, peak_mib=peak_mib())
    except CallcampError as error:
        say(error=error.as_dict())
    except MemoryError:
        say(error=too_much_memory(job["memory_mib"]).as_dict())
    except OSError as error:
        say(error={"id": "error", "message": f"The file cannot be read: {error}", "details": {}})
    except BaseException as error:
        # The workbook reader's panics are no Exception.
        if type(error).__name__ != "PanicException":
            raise
        refusal: CallcampError = too_much_memory(job["memory_mib"])
        if "capacity" not in str(error):
            refusal = InvalidInput(
                f"The workbook is damaged: {error}.", field="file", value="damaged"
            )
        say(error=refusal.as_dict())


def main() -> None:
    """Read the job, limit the memory, do it."""
    job = json.loads(sys.stdin.readline())
    # Rows are plain texts in lists: nothing here makes cycles, and looking for them costs
    # a third of the time.
    gc.disable()
    limit_memory(job["memory_mib"])
    run(job, sys.stdout)


if __name__ == "__main__":
    main()
