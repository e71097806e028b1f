"""Import of 500,000 contacts from CSV and XLSX, against reading and inserting them bare.

Measured through the real classes: preview (read, check, stage) and confirm into SQLite, each in
its child process, while a heartbeat looks for blocks of the serving event loop.
"""

from __future__ import annotations

import asyncio
import csv
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from benchmarks.figures import Figures, at_most
from callcamp.core.campaign_settings import CampaignSettings
from callcamp.engine.imports import Imports
from callcamp.settings import Settings
from callcamp.store import SqlStore, migrate

NAME = "import"
SECONDS = 60
ROWS = 500_000
AIM_RATIO = 2.5
AIM_RSS_MIB = 600.0
AIM_BLOCK_MS = 50.0

_HEADER = ["phone", "first_name", "last_name", "city", "amount", "reference"]
_FLOOR = """
import csv, sqlite3, sys, time
kind, path, target = sys.argv[1:]
if kind == "xlsx":
    import python_calamine
db = sqlite3.connect(target)
db.execute("CREATE TABLE t (a TEXT, b TEXT, c TEXT, d TEXT, e TEXT, f TEXT)")
start = time.perf_counter()
if kind == "csv":
    file = open(path, encoding="utf-8", newline="")
    rows = csv.reader(file)
else:
    sheet = python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0)
    rows = sheet.iter_rows()
db.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", rows)
db.commit()
print(time.perf_counter() - start)
"""


def _rows() -> Iterator[list[str]]:
    """Yield a list as people have them: several spellings, some faults, some duplicates."""
    rng = random.Random(7)
    yield _HEADER
    before = ""
    for i, n in enumerate(rng.sample(range(10_000_000, 36_000_000), ROWS)):
        digits = f"6{n:08}"
        if i % 200 == 0:
            digits = digits[:6]
        elif i % 100 == 51:
            digits = before
        before = digits
        pairs = " ".join(digits[j : j + 2] for j in range(1, len(digits), 2))
        phone = (f"+33{digits}", f"0{digits[0]} {pairs}", f"0{digits}")[i % 3]
        yield [
            phone,
            ("Zoë", "Ann", "Jean-Pierre", "Élodie")[i % 4],
            f"Martin {i % 5000}",
            ("Paris", "Saint-Étienne", "Lyon")[i % 3],
            f"{i % 900}.{i % 100:02}",
            f"REF-{i:08}",
        ]


def _write_files(folder: Path) -> dict[str, Path]:
    """Write the list as CSV and as XLSX."""
    paths = {"csv": folder / "people.csv", "xlsx": folder / "people.xlsx"}
    with paths["csv"].open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(_rows())
    # By hand: a library takes half a minute for it, and nobody waits for that here.
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from contacts_kit import xlsx_with_cells

    xlsx_with_cells(paths["xlsx"], {})
    with ZipFile(paths["xlsx"]) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    start, end = parts.pop(sheet).split(b"<sheetData></sheetData>")
    with ZipFile(paths["xlsx"], "w", ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
        with archive.open(sheet, "w") as file:
            file.write(start + b"<sheetData>")
            for i, row in enumerate(_rows(), 1):
                cells = "".join(
                    f'<c r="{c}{i}" t="inlineStr"><is><t>{escape(v)}</t></is></c>'
                    for c, v in zip("ABCDEF", row, strict=True)
                )
                file.write(f'<row r="{i}">{cells}</row>'.encode())
            file.write(b"</sheetData>" + end)
    return paths


class _Heartbeat:
    """Measures how long the event loop is deaf."""

    def __init__(self) -> None:
        self.worst_ms = 0.0

    async def beat(self) -> None:
        """Beat every 2 ms, for ever."""
        while True:
            start = time.perf_counter()
            await asyncio.sleep(0.002)
            self.worst_ms = max(self.worst_ms, (time.perf_counter() - start - 0.002) * 1000)


async def _import(
    folder: Path, kind: str, path: Path, heart: _Heartbeat
) -> tuple[float, float, float]:
    """Return the seconds of preview and confirm, and the reader's memory in MiB."""
    url = f"sqlite:///{folder}/{kind}.sqlite3"
    await asyncio.to_thread(migrate, url)
    store = SqlStore(url)
    await store.open()
    try:
        trunk = await store.save_trunk("t", dial_string="PJSIP/{number}@t", cps=1)
        wanted = CampaignSettings(name="c", trunk_id=trunk.id, default_region="FR")
        campaign = await store.create_campaign(wanted, now=datetime.now(UTC))
        settings = Settings(database_url=url, data_dir=folder)
        imports = Imports(store, settings, lambda: datetime.now(UTC))
        beating = asyncio.create_task(heart.beat())
        start = time.perf_counter()
        preview = await imports.preview(campaign.id, path, path.name)
        middle = time.perf_counter()
        done = await imports.confirm(preview.id)
        end = time.perf_counter()
        beating.cancel()
        report = preview.report
        assert done.added == report["valid"] > ROWS * 0.9
        assert report["invalid"] == ROWS // 200
        return middle - start, end - middle, report["peak_mib"]
    finally:
        await store.close()


async def run() -> Figures:
    """Measure; see the module."""
    results: Figures = {}
    with tempfile.TemporaryDirectory(prefix="bench-import-") as name:
        folder = Path(name)
        paths = await asyncio.to_thread(_write_files, folder)
        heart = _Heartbeat()
        measured = {k: await _import(folder, k, path, heart) for k, path in paths.items()}
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        for kind, path in paths.items():
            command = [sys.executable, "-c", _FLOOR, kind, path, folder / f"floor-{kind}"]
            out = await asyncio.to_thread(subprocess.check_output, command)
            floor, value = float(out), sum(measured[kind][:2])
            results[f"import_500k_{kind}_s"] = at_most(
                value,
                floor,
                AIM_RATIO,
                "s (floor: read and insert bare)",
                preview_s=round(measured[kind][0], 2),
                confirm_s=round(measured[kind][1], 2),
                reader_mib=measured[kind][2],
            )
    results["import_peak_rss"] = at_most(peak, AIM_RSS_MIB, 1.0, "MiB (floor: the limit)")
    results["import_loop_block"] = at_most(
        heart.worst_ms, AIM_BLOCK_MS, 1.0, "ms (floor: the most allowed)"
    )
    return results


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main(only=sys.modules[__name__]))
