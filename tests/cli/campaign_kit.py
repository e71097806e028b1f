"""Campaigns with calls behind them, for tests of the command line."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from callcamp.cli import main
from callcamp.core.changes import AttemptChange, ContactChange
from callcamp.core.gate import Batch, Decision, LetOut
from callcamp.core.outcome import Disposition, Evidence
from callcamp.core.states import AttemptEvent, ContactEvent
from callcamp.store import SqlStore

URL = "sqlite:///callcamp-data/callcamp.sqlite3"
ALWAYS = ("--window-start", "00:00", "--window-end", "00:00", "--weekdays", "mon-sun")
"""Options of a campaign that may call at any time."""

T = TypeVar("T")


def prepare(folder: Path, *commands: tuple[str, ...]) -> Path:
    """Run commands in a folder, which other tests then start from."""
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()):
        patch.chdir(folder)
        for name in [name for name in os.environ if name.startswith("CALLCAMP_")]:
            patch.delenv(name)
        for command in commands:
            with pytest.raises(SystemExit) as ended:
                main(list(command))
            assert not ended.value.code
    return folder


def with_store(work: Callable[[SqlStore], Awaitable[T]]) -> T:
    """Do something with the database of the working directory, past the command line."""

    async def opened() -> T:
        store = SqlStore(URL)
        await store.open()
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(opened())


def place_calls(
    campaign_id: int,
    attempt_ids: Sequence[str],
    disposition: Disposition = Disposition.ANSWERED_PERSON,
    event: ContactEvent = ContactEvent.FINISHED,
    *,
    end: bool = True,
) -> None:
    """Call due contacts of a running campaign, all with the same result."""
    now = datetime.now(UTC)

    async def work(store: SqlStore) -> None:
        claimed = await store.claim(
            campaign_id,
            attempt_ids,
            places=None,
            judge=_let_out,
            look_back_s=0,
            now=now,
            lease_until=now + timedelta(seconds=30),
        )
        taken = [claim.attempt.id for claim in claimed.claims]
        assert taken == list(attempt_ids)
        await store.mark_dialing(taken, now=now)
        if end:
            changes = [_end(attempt_id, disposition, event, now) for attempt_id in taken]
            applied = await store.apply(changes)
            assert [one.problem for one in applied] == [None] * len(taken)
            await store.finish_if_done(campaign_id, now=now)

    with_store(work)


def _let_out(batch: Batch) -> list[Decision]:
    return [
        LetOut(c.contact_id, c.number_index, None, None) for c in batch.candidates[: batch.room]
    ]


def _end(
    attempt_id: str, disposition: Disposition, event: ContactEvent, now: datetime
) -> AttemptChange:
    return AttemptChange(
        attempt_id,
        (AttemptEvent.ENDED,),
        now,
        disposition=disposition,
        evidence=Evidence(cause=16),
        contact=ContactChange(event, now if event is ContactEvent.RETRY_SCHEDULED else None),
        rule="otherwise",
    )
