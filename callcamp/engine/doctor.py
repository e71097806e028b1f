"""What ``callcamp doctor`` checks, and how to mend what is wrong.

Each check gives one :class:`Check`. Nothing here prints, and nothing changes anything.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from callcamp.core.model import Trunk
from callcamp.errors import BadCredentials, CallcampError, NotFound, StoreError, SwitchError
from callcamp.ports import CallGateway, Store, SwitchFacts
from callcamp.store import current_revision, needs_migration
from callcamp.store.health import integrity_problems

OLDEST_ASTERISK = 18
_SKEW_WARN_S, _SKEW_FAIL_S = 2.0, 30.0
_OUTBOX_OLD = timedelta(minutes=10)
_NAMED = 5
_MEND_RIGHTS = (
    "Let the user inherit [callcamp-rights] of manager_callcamp.conf, then run "
    "`asterisk -rx 'manager reload'`."
)
_MEND_MODULES = (
    "Load what modules_callcamp.conf lists (on Debian all are in the packages asterisk and "
    "asterisk-modules), then restart Asterisk."
)
_MEND_DIALPLAN = (
    "Put `#include extensions_callcamp.conf` into extensions.conf, then run "
    "`asterisk -rx 'dialplan reload'`."
)


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Args:
        name: what was looked at, in a word or two.
        verdict: how it came out.
        text: what was found, as a sentence.
        mend: what to do about it; empty when all is well.
    """

    name: str
    verdict: Verdict
    text: str
    mend: str = ""


def _ok(name: str, text: str) -> Check:
    return Check(name, Verdict.OK, text)


def _warn(name: str, text: str, mend: str) -> Check:
    return Check(name, Verdict.WARN, text, mend)


def _fail(name: str, text: str, mend: str) -> Check:
    return Check(name, Verdict.FAIL, text, mend)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


class CountedStore(Store, Protocol):
    """A store that can compare its counts with what it holds."""

    async def recount(self, campaign_id: int) -> dict[tuple[str, str], tuple[int, int]]:
        """Return what differs, ``{(kind, key): (stored, scanned)}``."""
        ...


async def check_schema(database_url: str) -> Check:
    """Check that the database can be reached and has the current schema."""
    try:
        revision = await asyncio.to_thread(current_revision, database_url)
        old = await asyncio.to_thread(needs_migration, database_url)
    except CallcampError as error:
        return _fail(
            "database",
            error.message,
            "Check CALLCAMP_DATABASE_URL, that its server runs, or that this user may write the "
            "file and its folder.",
        )
    if revision is None:
        return _fail("database", "There is no database yet.", "Run `callcamp migrate`.")
    if old:
        return _fail(
            "database",
            f"Its schema is at revision {revision}, which is not this version's.",
            "Run `callcamp migrate`; when that refuses, install the newer callcamp that made it.",
        )
    return _ok("database", f"It can be reached; its schema is current ({revision}).")


async def check_store(store: CountedStore, database_url: str) -> list[Check]:
    """Check that an open database can be written to, is sound, and counts right."""
    checks = []
    try:
        # A write that changes nothing: there is no engine of this name.
        await store.release_engine("doctor")
        checks.append(_ok("writing", "The database can be written to."))
    except StoreError as error:
        checks.append(
            _fail(
                "writing",
                error.message,
                "Make the file, its folder and its disk writable for this user; free some space.",
            )
        )
    try:
        problems = await asyncio.to_thread(integrity_problems, database_url)
    except StoreError as error:
        problems = [error.message]
    checks.append(
        _fail(
            "integrity",
            f"The database is damaged: {_some(problems)}.",
            "Stop callcamp, keep a copy of the file, and restore the last good backup "
            "(or `sqlite3 FILE .recover`).",
        )
        if problems
        else _ok("integrity", "The database is sound.")
    )
    checks.append(await _check_counts(store))
    return checks


async def _check_counts(store: CountedStore) -> Check:
    campaigns = await store.campaigns()
    wrong = [str(c.id) for c in campaigns if await store.recount(c.id)]
    if wrong:
        return _fail(
            "counts",
            f"The kept counts of campaign {_some(wrong)} differ from what is stored.",
            "Calls are not affected, but pages show wrong numbers. Report it with "
            "`callcamp campaign show ID --json` and your version.",
        )
    return _ok("counts", f"The counts of {len(campaigns)} campaigns are right.")


async def check_switch(
    gateway: CallGateway, address: str, store: Store | None, *, now: datetime
) -> list[Check]:
    """Check Asterisk: log-in, version, rights, modules, dialplan, trunks, clock, outbox.

    Args:
        gateway: not started; the caller closes it.
        address: where it connects to, for messages.
        store: open, to know trunks and attempts; None when it cannot be opened.
        now: the present instant.
    """
    trunks = await store.trunks() if store else []
    endpoints = {t.name: endpoint_of(t.dial_string) for t in trunks}
    try:
        await gateway.start()
        facts = await gateway.facts(sorted({e for e in endpoints.values() if e is not None}))
    except BadCredentials as error:
        return [
            _fail(
                "log-in",
                f"Asterisk at {address} refuses the log-in: {error.message}",
                "Give CALLCAMP_AMI_USERNAME and CALLCAMP_AMI_SECRET the name and secret of the "
                "user in manager.conf, allow this machine there (permit), then run "
                "`asterisk -rx 'manager reload'`.",
            )
        ]
    except SwitchError as error:
        return [
            _fail(
                "log-in",
                f"There is no working Asterisk at {address}: {error.message}",
                "Start Asterisk; in manager.conf set enabled = yes, bindaddr and port to match "
                "CALLCAMP_AMI_HOST and CALLCAMP_AMI_PORT, and include manager_callcamp.conf.",
            )
        ]
    checks = [_ok("log-in", f"Asterisk at {address} accepts the log-in.")]
    checks += check_facts(facts)
    if store:
        checks += check_trunks(trunks, endpoints, facts)
        checks.append(await check_outbox(gateway, store, now=now))
    return checks


def check_facts(facts: SwitchFacts) -> list[Check]:
    """Judge version, rights, modules, dialplan and clock of an Asterisk."""
    checks = []
    found = re.search(r"(\d+)[.-]", facts.version)
    checks.append(
        _ok("version", f"Asterisk {facts.version}.")
        if found and int(found[1]) >= OLDEST_ASTERISK
        else _fail(
            "version",
            f"Asterisk says that it is {facts.version or 'nothing'}.",
            f"callcamp needs Asterisk {OLDEST_ASTERISK} or later; upgrade it.",
        )
    )
    for name, known, problem, mend in (
        ("rights", facts.rights, "The manager user lacks the right", _MEND_RIGHTS),
        ("modules", facts.modules, "Asterisk has not loaded", _MEND_MODULES),
        ("dialplan", facts.contexts, "The dialplan lacks the context", _MEND_DIALPLAN),
    ):
        missing = sorted(key for key, there in known.items() if not there)
        checks.append(
            _fail(name, f"{problem}: {', '.join(missing)}.", mend)
            if missing
            else _ok(name, f"All there: {_some(sorted(known))}.")
        )
    checks.append(_check_queues(facts.queues))
    checks.append(_check_clock(facts.clock_skew_s))
    return checks


def _check_queues(queues: dict[str, bool]) -> Check:
    missing = [name for name, there in queues.items() if not there]
    if not missing:
        return _ok("queues", f"All there: {len(queues)} queues for agents.")
    # a campaign without agents, or with a queue of its own name, needs none of them
    return _warn(
        "queues",
        f"Asterisk lacks {len(missing)} of callcamp's own queues, such as {missing[0]}.",
        "For campaigns with agents include queues_callcamp.conf in queues.conf and run"
        " `asterisk -rx 'queue reload all'`.",
    )


def _check_clock(skew_s: float | None) -> Check:
    mend = "Keep both clocks right with NTP (chrony, systemd-timesyncd)."
    if skew_s is None:
        return _warn("clock", "Asterisk does not tell its time.", mend)
    text = f"Asterisk's clock and ours are {abs(skew_s):.1f} s apart."
    if abs(skew_s) >= _SKEW_FAIL_S:
        return _fail("clock", text, mend)
    return _warn("clock", text, mend) if abs(skew_s) >= _SKEW_WARN_S else _ok("clock", text)


def endpoint_of(dial_string: str) -> str | None:
    """Return the PJSIP endpoint that a dial string names; None when it names none."""
    found = re.fullmatch(r"PJSIP/(?:[^/@]*@(?P<after>[^/@]+)|(?P<before>[^/@]+)/.+)", dial_string)
    return None if found is None else found["after"] or found["before"]


def check_trunks(
    trunks: Sequence[Trunk], endpoints: dict[str, str | None], facts: SwitchFacts
) -> list[Check]:
    """Judge whether Asterisk knows the endpoints of the trunks."""
    if not trunks:
        return [
            _warn(
                "trunks",
                "There is no trunk yet.",
                "Add one: `callcamp trunk set NAME --dial 'PJSIP/{number}@ENDPOINT' --cps 5`.",
            )
        ]
    checks = []
    for trunk in trunks:
        endpoint, name = endpoints[trunk.name], f"trunk {trunk.name}"
        if endpoint is None:
            checks.append(
                _warn(
                    name,
                    f"{trunk.dial_string} names no PJSIP endpoint, so it cannot be checked.",
                    "Place a test call over it before a campaign.",
                )
            )
        elif facts.trunk_known.get(endpoint):
            checks.append(_ok(name, f"Asterisk has the endpoint {endpoint}."))
        else:
            checks.append(
                _fail(
                    name,
                    f"Asterisk has no PJSIP endpoint {endpoint}.",
                    "Add it to pjsip.conf (see pjsip_callcamp_example.conf) and run `asterisk "
                    "-rx 'pjsip reload'`, or change the trunk: `callcamp trunk set`.",
                )
            )
    return checks


async def check_outbox(gateway: CallGateway, store: Store, *, now: datetime) -> Check:
    """Judge the results of calls that wait in Asterisk to be picked up."""
    try:
        waiting = sorted(await gateway.outbox())
    except SwitchError as error:
        return _fail("outbox", error.message, "Check the right `reporting` of the manager user.")
    known, foreign = [], []
    for attempt_id in waiting:
        try:
            known.append(await store.attempt(attempt_id))
        except NotFound:
            foreign.append(attempt_id)
    if foreign:
        return _warn(
            "outbox",
            f"{len(waiting)} results wait; {len(foreign)} are of calls that this database does "
            f"not know: {_some(foreign)}.",
            "They are another callcamp's, or of a database that was replaced. If nobody needs "
            "them: `asterisk -rx 'database del callcamp ID'`.",
        )
    oldest = min((a.dialed_at or a.claimed_at for a in known), default=now)
    if now - oldest > _OUTBOX_OLD:
        return _warn(
            "outbox",
            f"{len(known)} results wait, the oldest of a call at {oldest:%Y-%m-%d %H:%M} UTC.",
            "Start `callcamp serve`: it picks them up.",
        )
    return _ok("outbox", f"{len(known)} results wait to be picked up.")
