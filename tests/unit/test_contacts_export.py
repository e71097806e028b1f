"""Exports: complete, safe to open, and good to import again."""

from __future__ import annotations

import asyncio
import csv
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import openpyxl
import pytest
from contacts_kit import stage_bytes
from hypothesis import given
from hypothesis import strategies as st

from callcamp.contacts import writing
from callcamp.contacts.safe import csv_safe, xml_safe
from callcamp.core.agents import Agent, AgentPhone, PhoneKind
from callcamp.core.model import Attempt, Contact
from callcamp.core.outcome import Disposition
from callcamp.core.reasons import Reason
from callcamp.core.states import AttemptStatus, ContactStatus
from callcamp.engine.exports import export_campaign
from callcamp.errors import CallcampError, InvalidInput, NotFound, StoreError
from callcamp.ports import Store

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ANN = Agent(7, "ann", AgentPhone(PhoneKind.SIP, "phone-1"))
RISKY = ["=1+1", "+33 1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "#N/A", "=cmd|'/c calc'!A0", "＝1"]


def _contact(i: int, variables: dict[str, str], **more: Any) -> Contact:
    values: dict[str, Any] = {
        "status": ContactStatus.COMPLETED,
        "attempts": 1,
        "due_at": None,
        "disposition": Disposition.ANSWERED_PERSON,
        "import_id": None,
        "last_attempt_at": NOW,
    } | more
    return Contact(id=i, campaign_id=1, phone=f"+336123{i:05}", variables=variables, **values)


def _attempt(i: int, **more: Any) -> Attempt:
    values: dict[str, Any] = {
        "dialed_at": NOW,
        "answered_at": NOW + timedelta(seconds=4),
        "ended_at": NOW + timedelta(seconds=10.5),
        "disposition": Disposition.ANSWERED_PERSON,
        "evidence": {"cause": 16, "sip_code": 200, "amd_status": "HUMAN", "dtmf": "1"},
        "status": AttemptStatus.ENDED,
    } | more
    return Attempt(
        id=f"a{i:05}",
        campaign_id=1,
        contact_id=i,
        number=f"+336123{i:05}",
        ordinal=1,
        settings_version=1,
        ring_timeout_s=30,
        claimed_at=NOW,
        lease_until=NOW,
        **values,
    )


class Shelf:
    """Contacts and attempts by the page, as a store gives them."""

    def __init__(self, contacts: list[Contact], attempts: list[Attempt]) -> None:
        self._contacts = contacts
        self._attempts = attempts
        self.fails = False

    async def campaign(self, campaign_id: int) -> None:
        if campaign_id != 1:
            raise NotFound("no such campaign", kind="campaign", key=campaign_id)

    async def contacts(self, campaign_id: int, *, after_id: int, limit: int) -> list[Contact]:
        return [c for c in self._contacts if c.id > after_id][:limit]

    async def agents(self) -> list[Agent]:
        return [ANN, replace(ANN, id=3, name="bob")]

    async def last_agents(self, contact_ids: list[int]) -> dict[int, Agent]:
        return {i: ANN for i in contact_ids if i == 1}

    async def attempts(self, campaign_id: int, *, after_id: str, limit: int) -> list[Attempt]:
        if self.fails:
            raise StoreError("the disk is gone")
        return [a for a in self._attempts if a.id > after_id][:limit]


def names_in(folder: Path) -> list[str]:
    """Return the names of what is in a folder."""
    return sorted(path.name for path in folder.iterdir())


async def _export(shelf: Shelf, path: Path, *more: Any, **options: Any) -> list[Path]:
    return await export_campaign(cast("Store", shelf), 1, path, *more, **options)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(
        [
            _contact(
                1,
                {"name": "Zoë", "status": "vip", "code": "007"},
                success=True,
                outcome="sold",
                hold=Reason.FREQUENCY_CAP,
                due_at=NOW,
                others=("+33612399999",),
                caller_number="+33170000001",
            ),
            _contact(2, {"note": "bell\x07 and \ufffe"}, disposition=None, last_attempt_at=None),
            *(_contact(10 + i, {"name": text}) for i, text in enumerate(RISKY)),
        ],
        [
            _attempt(
                1,
                caller_number="+33170000001",
                success=False,
                decided_by="talk_seconds > 20",
                outcome="x",
                rule="success ends it",
                variables={"size": "=1+1", "agent": "me"},
                agent_id=7,
                connected_at=NOW,
                evidence={"cause": 16, "sip_code": 200, "amd_status": "HUMAN", "dtmf": "1"}
                | {"waited_s": 1.5, "agent": "cc-agent-3", "agents": "cc-agent-3 cc-agent-7"},
            ),
            _attempt(2, answered_at=None, ended_at=None, disposition=None, evidence={}),
        ],
    )


async def test_a_workbook_has_contacts_and_calls(shelf: Shelf, tmp_path: Path) -> None:
    told: list[int] = []
    path = tmp_path / "out.xlsx"
    assert await _export(shelf, path, on_progress=told.append) == [path]
    assert told == [11, 13]
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Contacts", "Calls"]
    rows = list(book["Contacts"].values)
    assert rows[0] == (*writing.CONTACT_COLUMNS, "name", "variable status", "code", "note")
    naive = NOW.replace(tzinfo=None)
    assert rows[1] == (
        *("+33612300001", "completed", 1, naive, "answered_person", "answered by a person"),
        *("yes", "sold", "frequency_cap", naive, "+33612399999", "+33170000001"),
        *("ann", "Zoë", "vip", "007", None),
    )
    assert rows[2][-1] == "bell and "
    assert [row[13] for row in rows[3:]] == [xml_safe(text).replace("\r", "\n") for text in RISKY]
    calls = list(book["Calls"].values)
    assert calls[0] == (*writing.CALL_COLUMNS, "size", "variable agent")
    first = dict(zip(calls[0], calls[1], strict=True))
    assert first["phone"] == "+33612300001"
    assert (first["ring_s"], first["talk_s"]) == (4, 6.5)
    assert (first["hangup cause"], first["SIP code"], first["AMD"]) == (16, 200, "HUMAN")
    assert (first["keys pressed"], first["at fault"]) == ("1", "nobody")
    assert (first["called from"], first["success"], first["outcome"]) == ("+33170000001", "no", "x")
    assert first["success decided by"] == "talk_seconds > 20"
    assert first["what next was decided by"] == "success ends it"
    assert (first["agent"], first["connected (UTC)"]) == ("ann", naive)
    assert first["agents in order"] == "bob ann"
    assert (first["waited_s"], first["size"], first["variable agent"]) == (1.5, "=1+1", "me")
    second = dict(zip(calls[0], calls[2], strict=True))
    assert second["result"] is second["talk_s"] is second["hangup cause"] is None
    assert second["agent"] is second["agents in order"] is second["size"] is None


async def test_no_cell_of_a_workbook_is_a_formula(shelf: Shelf, tmp_path: Path) -> None:
    await _export(shelf, tmp_path / "out.xlsx")
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    kinds = {cell.data_type for sheet in book for row in sheet.rows for cell in row}
    assert kinds <= {"s", "n", "d", "inlineStr"}
    risky = next(c for row in book["Contacts"].rows for c in row if c.value == "=1+1")
    assert risky.quotePrefix


async def test_csv_is_contacts_calls_or_both(shelf: Shelf, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    assert await _export(shelf, path, "csv") == [path]
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["phone"] == "+33612300001", "numbers stay numbers"
    assert rows[0]["last call (UTC)"] == "2026-11-21T12:00:00Z"
    assert all(row["name"].startswith("'") for row in rows[2:] if row["name"] != "#N/A")
    path.unlink()
    both = await _export(shelf, path, "csv", what="both")
    assert [p.name for p in both] == ["out.csv", "out-calls.csv"]
    calls = await _export(shelf, tmp_path / "c.csv", "csv", what="calls")
    assert calls[0].read_text(encoding="utf-8-sig").startswith("call id,phone")
    again = stage_bytes(tmp_path / "again", path.read_bytes(), "out.csv")
    assert again.report["valid"] == 11
    assert names_in(tmp_path) == [
        "again",
        "c.csv",
        "out-calls.csv",
        "out.csv",
    ]


async def test_an_attempt_that_was_never_placed_has_no_call_times(tmp_path: Path) -> None:
    more = {"answered_at": None, "disposition": None, "evidence": {}}
    shelf = Shelf([], [_attempt(1, status=AttemptStatus.RELEASED, **more)])
    (path,) = await _export(shelf, tmp_path / "c.csv", "csv", what="calls")
    with path.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["status"] == "released"
    assert (row["dialed (UTC)"], row["ring_s"]) == ("", "")


async def test_an_export_that_breaks_off_writes_nothing(shelf: Shelf, tmp_path: Path) -> None:
    shelf.fails = True
    with pytest.raises(StoreError):
        await _export(shelf, tmp_path / "out.xlsx")
    assert names_in(tmp_path) == []


async def test_what_cannot_be_exported(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="format"):
        await _export(shelf, tmp_path / "out.pdf", "pdf")
    with pytest.raises(InvalidInput, match="contacts, calls or both"):
        await _export(shelf, tmp_path / "out.csv", "csv", what="all")
    with pytest.raises(NotFound):
        await export_campaign(cast("Store", shelf), 2, tmp_path / "out.xlsx")
    with pytest.raises(CallcampError, match="cannot be written"):
        await _export(shelf, tmp_path / "nowhere" / "out.xlsx")


async def test_an_empty_campaign_has_headers(tmp_path: Path) -> None:
    path = tmp_path / "out.xlsx"
    await _export(Shelf([], []), path)
    book = openpyxl.load_workbook(path)
    assert [sheet.max_row for sheet in book] == [1, 1]


async def test_a_sheet_that_is_full_goes_on_in_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "SHEET_ROWS", 3)
    records = ['["contact", ["+336", "pending", 0%s], {}]\n' % (", null" * 10)] * 5 + ['["end"]\n']
    job = {"path": str(tmp_path / "out.xlsx"), "fmt": "xlsx", "what": "contacts"}
    await asyncio.to_thread(writing.write, job, records)
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert [(sheet.title, sheet.max_row) for sheet in book] == [
        ("Contacts", 3),
        ("Contacts 2", 3),
        ("Contacts 3", 2),
    ]


def test_records_that_break_off_are_no_export(tmp_path: Path) -> None:
    job = {"path": str(tmp_path / "out.csv"), "fmt": "csv", "what": "contacts"}
    with pytest.raises(OSError, match="broke off"):
        writing.write(job, [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["+33612345678", "-12", "-1.50", "-1,5", "x=1", "12", ""])
def test_what_is_harmless_stays(text: str) -> None:
    assert csv_safe(text) == text


@given(st.text(max_size=20))
def test_no_cell_begins_like_a_formula(text: str) -> None:
    safe = csv_safe(text)
    assert safe in {text, f"'{text}"}
    if safe and safe[0] in "=@\t\r\n":
        raise AssertionError(safe)
    if safe and safe[0] in "+-":
        assert safe[1:].replace(".", "").replace(",", "").isdecimal()
