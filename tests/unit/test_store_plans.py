"""The queries of the hot path use their indexes, so they stay flat as campaigns grow."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from plans_kit import plans
from sqlalchemy import Connection, text

from callcamp.store import (
    agents,
    applying,
    claims,
    contacts,
    counts,
    due,
    gathering,
    migrate,
    pacing,
    rows,
)
from callcamp.store import tables as t
from callcamp.store.database import run_once

NOW = datetime(2026, 11, 3, tzinfo=UTC)
VALUES = {
    "campaign": 1,
    "now": NOW,
    "limit": 9,
    "ids": ["a"],
    "open": [1, 2],
    "to": "dialing",
    "_id": "a",
    "place": "FR",
    "places": ["FR", "US"],
    "from_due": NOW,
    "from_id": 1,
    "hold": "retry_waits",
    "at": NOW,
    "since": NOW,
    **dict.fromkeys(("status", "dialed_at", "rang_at", "answered_at", "agent_id", "connected_at")),
}
LIVE = rows.SELECT_ATTEMPT.where(text(t.LIVE)).order_by(t.attempt.c.id)
PAGE = rows.SELECT_CONTACT.where(t.contact.c.campaign_id == 1, t.contact.c.id > 5)


PENDING_PAGE = "ix_contact_due (campaign_id=? AND place=? AND due_at>? AND due_at<?)"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    address = f"sqlite:///{tmp_path_factory.mktemp('plans')}/x.sqlite3"
    migrate(address)
    return address


def plan(url: str, statement: Any) -> str:
    """Return how SQLite carries out a statement."""
    return plans(url, lambda connection: connection.execute(statement, VALUES))


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (due.PAGE["pending"], PENDING_PAGE),
        (due.PAGE["callback"], PENDING_PAGE.replace("due", "callback", 1)),
        (contacts._HELD_DUE, "ix_contact_hold (campaign_id=? AND hold=? AND place=? AND due_at<?)"),
        (
            contacts._HELD_NEXT,
            "ix_contact_hold (campaign_id=? AND hold=? AND place=? AND due_at>?)",
        ),
        (PAGE.order_by(t.contact.c.id).limit(9), "(campaign_id=? AND id>?)"),
        (
            PAGE.where(t.contact.c.status == "failed").order_by(t.contact.c.id).limit(9),
            "ix_contact_status (campaign_id=? AND status=? AND id>?)",
        ),
        (PAGE.where(t.contact.c.phone == "+1"), "(campaign_id=? AND phone=?)"),
        (LIVE.where(t.attempt.c.campaign_id == 1), "ix_attempt_live (campaign_id=?)"),
        (
            rows.SELECT_ATTEMPT.where(t.attempt.c.campaign_id == 1, t.attempt.c.id > "x")
            .order_by(t.attempt.c.id)
            .limit(9),
            "ix_attempt_page (campaign_id=? AND id>?)",
        ),
        (
            rows.SELECT_ATTEMPT.where(t.attempt.c.campaign_id == 1, t.attempt.c.id < "x")
            .order_by(t.attempt.c.id.desc())
            .limit(9),
            "ix_attempt_page (campaign_id=? AND id<?)",
        ),
        (counts._READ, "PRIMARY KEY (campaign_id=?)"),
    ],
)
def test_a_query_uses_its_index_and_sorts_nothing(url: str, statement: Any, index: str) -> None:
    carried_out = plan(url, statement)
    assert index in carried_out
    assert "TEMP B-TREE" not in carried_out
    assert "SCAN" not in carried_out.replace("SCAN (subquery", "").replace("SCAN anon_1", "")


@pytest.mark.parametrize(
    "statement", [claims._TO_SEND, claims._SEND, applying._TO_CHANGE, applying._STEP]
)
def test_attempts_are_found_by_id(url: str, statement: Any) -> None:
    carried_out = plan(url, statement)
    assert "sqlite_autoindex_attempt_1 (id=?)" in carried_out
    assert "SCAN" not in carried_out


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (due.ALL_HEADS, "ix_contact_due"),
        (due.DUE_HEADS["pending"], "ix_contact_due"),
        (due.DUE_HEADS["callback"], "ix_contact_callback"),
        (due.DUE_HEADS_OF["sqlite"], "ix_contact_due"),
    ],
)
def test_the_first_of_every_place_is_found_on_the_index_alone(
    url: str, statement: Any, index: str
) -> None:
    searches = [line for line in plan(url, statement).split("\n") if "contact" in line]
    assert len(searches) >= 2
    for line in searches:
        assert line.startswith("SEARCH contact USING INDEX "), line
        assert f" {index} (campaign_id=?" in line
    assert sum("place=?" in line for line in searches) == 2
    assert "TEMP B-TREE" not in plan(url, statement)


def test_calls_to_a_number_are_found_by_number(url: str) -> None:
    carried_out = plan(url, gathering.CALLS)
    assert "ix_attempt_number (number=? AND claimed_at>?)" in carried_out
    assert "ix_attempt_live_number (number=? AND status=?)" in carried_out


def test_contacts_are_found_by_any_of_their_numbers(url: str) -> None:
    assert "sqlite_autoindex_contact_1 (campaign_id=? AND phone=?)" in plan(
        url, contacts._WITH_FIRST
    )
    assert "PRIMARY KEY (phone=?)" in plan(url, contacts._WITH_FURTHER)
    assert "INTEGER PRIMARY KEY (rowid=?)" in plan(url, contacts._TO_SKIP)


def test_live_attempts_are_counted_on_their_index(url: str) -> None:
    assert "ix_attempt_live (campaign_id=?)" in plan(url, counts._LIVE)


def test_the_account_of_abandoned_calls_is_read_from_its_index_alone(url: str) -> None:
    carried_out = plan(url, pacing.ACCOUNT)
    wanted = "COVERING INDEX ix_attempt_person (campaign_id=? AND dialed_at>?)"
    assert wanted in carried_out


def test_the_last_agents_of_contacts_are_found_by_contact(url: str) -> None:
    carried_out = plan(url, agents._LAST_AGENT)
    assert "ix_attempt_contact (contact_id=?)" in carried_out
    assert "SCAN attempt" not in carried_out


def test_the_plan_of_a_claim_stays_with_a_million_contacts_known(url: str) -> None:
    """After ANALYZE the planner knows sizes; it must not change its mind."""

    def pretend(connection: Connection) -> None:
        connection.exec_driver_sql("ANALYZE")
        connection.exec_driver_sql("DELETE FROM sqlite_stat1")
        connection.exec_driver_sql(
            "INSERT INTO sqlite_stat1 VALUES"
            " ('contact', 'ix_contact_due', '1000000 500000 2000 2 1'),"
            " ('contact', 'ix_contact_callback', '10 5 2 2 1'),"
            " ('contact', 'ix_contact_hold', '1000 500 250 100 2'),"
            " ('contact', 'ix_contact_page', '1000000 500000 1'),"
            " ('contact', 'ix_contact_status', '1000000 500000 250000 1'),"
            " ('contact', 'sqlite_autoindex_contact_1', '1000000 500000 1')"
        )

    run_once(url, pretend)
    carried_out = plan(url, due.PAGE["pending"])
    assert PENDING_PAGE in carried_out
    assert "TEMP B-TREE" not in carried_out
