"""The report on agents as a file for spreadsheet programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from callcamp.contacts.safe import csv_row, xml_safe
from callcamp.engine.agents.roster import WORKED_STATES, WorkRow

Cell = str | int | float | None


def table_of(rows: Sequence[WorkRow]) -> tuple[list[str], list[list[Cell]]]:
    """Return header and rows: seconds by state and by reason of pauses, calls, results."""
    plain = [row.as_dict() for row in rows]
    reasons = _keys(one["pauses"] for one in plain)
    results = _keys(one["dispositions"] for one in plain)
    outcomes = _keys(one["outcomes"] for one in plain)
    header = [
        *("agent", "name", "campaign", "logged_in_s"),
        *(f"{state.value}_s" for state in WORKED_STATES),
        *("occupancy", "calls", "missed"),
        *(f"paused: {reason} (s)" for reason in reasons),
        *(f"result: {result}" for result in results),
        *(f"disposition: {outcome}" for outcome in outcomes),
    ]
    cells: list[list[Cell]] = [
        [
            *(one["agent"], one["display_name"], one["campaign"], one["logged_in_s"]),
            *(one["seconds"][state.value] for state in WORKED_STATES),
            None if one["occupancy"] is None else round(one["occupancy"], 4),
            *(one["calls"], one["missed"]),
            *(one["pauses"].get(reason, 0) for reason in reasons),
            *(one["dispositions"].get(result, 0) for result in results),
            *(one["outcomes"].get(outcome, 0) for outcome in outcomes),
        ]
        for one in plain
    ]
    return header, cells


def as_csv(rows: Sequence[WorkRow]) -> bytes:
    """Return the report as CSV in UTF-8, with its mark."""
    header, cells = table_of(rows)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(csv_row(header))
    writer.writerows(
        csv_row("" if cell is None else xml_safe(str(cell)) for cell in row) for row in cells
    )
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(rows: Sequence[WorkRow]) -> bytes:
    """Return the report as a workbook with one sheet."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet("Agents")
    sheet.freeze_panes = "A2"

    def made(cell: Cell) -> Any:
        if not isinstance(cell, str):
            return cell
        text = WriteOnlyCell(sheet, value="")
        text.value = xml_safe(cell)
        # The library takes what begins with = for a formula, and #N/A for an error.
        text.data_type = "s"
        text.quotePrefix = cell.startswith(("=", "#", "+", "-", "@"))
        return text

    header, cells = table_of(rows)
    lines: list[Sequence[Cell]] = [header, *cells]
    for row in lines:
        sheet.append([made(cell) for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _keys(found: Any) -> list[str]:
    return sorted({key for one in found for key in one})
