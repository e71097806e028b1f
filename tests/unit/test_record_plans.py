"""What is looked up on record for every call uses its index, however long the lists grow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from plans_kit import plans
from sqlalchemy import Connection

from callcamp.core.campaign_settings import CampaignSettings
from callcamp.store import (
    attempts,
    audit,
    callbacks,
    campaigns,
    consents,
    directory,
    migrate,
    numbers,
    pacing,
    report,
    shifts,
    suppression,
    trunks,
)
from callcamp.store.database import run_once

NOW = datetime(2026, 11, 3, tzinfo=UTC)
PHONES = ["+33612345678", "+33612345679"]
Reading = Callable[[Connection], Any]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    address = f"sqlite:///{tmp_path_factory.mktemp('plans')}/x.sqlite3"
    migrate(address)

    def fill(connection: Connection) -> None:
        numbers.save(connection, PHONES[0], label="", active=True, daily_cap=None, now=NOW)
        trunk = trunks.save_trunk(connection, "carrier", "PJSIP/{number}@carrier", 10, None)
        campaigns.create(connection, CampaignSettings("x", trunk.id), NOW)

    run_once(address, fill)
    return address


@pytest.mark.parametrize(
    ("read", "indexes"),
    [
        (
            lambda c: suppression.suppressed_among(c, PHONES, 1, NOW, ["TPS"]),
            [
                "suppression USING INDEX sqlite_autoindex_suppression_1 (phone=? AND scope=?)",
                "dnc_number USING PRIMARY KEY (list_id=? AND phone=?)",
            ],
        ),
        (lambda c: consents.consents_of(c, PHONES), ["consent USING PRIMARY KEY (phone=?)"]),
        (lambda c: numbers.use(c, NOW), ["number_day USING PRIMARY KEY (day=?)"]),
        (
            lambda c: suppression.listing(c, phone=PHONES[0]),
            ["sqlite_autoindex_suppression_1 (phone=?)"],
        ),
        (
            lambda c: suppression.listing(c, campaign_id=1),
            ["ix_suppression_campaign (campaign_id=? AND id>?)"],
        ),
        (lambda c: report.timeline(c, PHONES, 10), ["ix_attempt_number (number=?)"]),
        (
            lambda c: directory.listing(c, phone=PHONES[0]),
            ["person_number USING PRIMARY KEY (phone=?)"],
        ),
        (
            lambda c: audit.entries(c, campaign_id=1, before_id=9),
            ["ix_audit_campaign (campaign_id=? AND id<?)"],
        ),
        (lambda c: audit.entries(c, kind="x", before_id=9), ["ix_audit_kind (kind=? AND id<?)"]),
        (
            lambda c: shifts.work(c, since=NOW, until=NOW, campaign_id=1),
            [
                "ix_agent_span_agent (agent_id=? AND ended_at>?)",
                "uq_agent_span_lasts (agent_id=?)",
                "ix_attempt_agent (agent_id=? AND connected_at>? AND connected_at<?)",
            ],
        ),
        (
            lambda c: shifts.spans(c, 1, NOW, NOW, 9),
            ["ix_agent_span_agent (agent_id=? AND ended_at>?)"],
        ),
        (lambda c: callbacks.waiting(c, 1, 9), ["contact USING INDEX ix_contact_callback"]),
        (lambda c: callbacks.waiting(c, None, 9), ["contact USING INDEX ix_contact_callback"]),
        (lambda c: callbacks.free(c, 1, 1), ["contact USING INDEX ix_contact_callback"]),
        (lambda c: callbacks.free(c, 1), ["contact USING INDEX ix_contact_callback"]),
        (lambda c: attempts.live_attempts(c, None), ["attempt USING INDEX uq_attempt_live"]),
        (
            lambda c: pacing.account(c, 1, NOW),
            ["ix_attempt_person (campaign_id=? AND dialed_at>?)"],
        ),
    ],
    ids=[
        "suppressed",
        "consents",
        "use",
        "listing",
        "own",
        "timeline",
        "people",
        "campaign",
        "kind",
        "work",
        "spans",
        "callbacks",
        "all callbacks",
        "freed callbacks",
        "all freed callbacks",
        "live",
        "account",
    ],
)
def test_what_is_looked_up_uses_its_index(url: str, read: Reading, indexes: list[str]) -> None:
    found = plans(url, read)
    for index in indexes:
        assert index in found
    for table in (
        "suppression",
        "dnc_number",
        "consent",
        "number_day",
        "attempt",
        "contact",
        "person",
        "audit",
        "agent_span",
    ):
        assert f"SCAN {table}\n" not in f"{found}\n"
