"""What several agents noted of one call, put together."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from callcamp.engine.noted import Noted, put_together
from callcamp.ports import CallNote, CustomOutcome

NOW = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)
OUTCOMES = {
    "stop": CustomOutcome("stop", "Never again", opt_out=True),
    "rude": CustomOutcome("rude", "Was rude", refused=True),
}
NAMES = st.sampled_from(["size", "why"])


@st.composite
def notes(draw: st.DrawFn) -> list[CallNote]:
    """Draw the notes of one call, in order."""
    return [
        CallNote(
            "a",
            agent_id,
            NOW,
            draw(st.sampled_from([None, "sold", "stop", "rude"])),
            draw(st.dictionaries(NAMES, st.sampled_from(["", "x", "y"]))),
            draw(st.none() | st.just(NOW + timedelta(hours=agent_id))),
            draw(st.booleans()),
            id=agent_id,
        )
        for agent_id in range(1, draw(st.integers(1, 5)))
    ]


@given(notes(), st.randoms())
def test_the_last_one_who_says_something_holds(
    given_notes: list[CallNote], mixed: random.Random
) -> None:
    shuffled = list(given_notes)
    mixed.shuffle(shuffled)
    noted = put_together(shuffled, OUTCOMES)
    said = [note.outcome for note in given_notes if note.outcome is not None]
    assert noted.outcome == (said[-1] if said else None)
    assert (noted.opted_out, noted.refused) == (noted.outcome == "stop", noted.outcome == "rude")
    for name in ("size", "why"):
        answers = [note.answers[name] for note in given_notes if name in note.answers]
        assert noted.variables.get(name) == (answers[-1] if answers else None)
    backs = [note for note in given_notes if note.callback_at is not None]
    if backs:
        mine = backs[-1].agent_id if backs[-1].callback_mine else None
        assert (noted.callback_at, noted.callback_agent_id) == (backs[-1].callback_at, mine)
    else:
        assert (noted.callback_at, noted.callback_agent_id) == (None, None)
    assert noted.ids == tuple(note.id for note in given_notes)


def test_nothing_noted_says_nothing() -> None:
    assert put_together((), OUTCOMES) == Noted()
