"""The SIPp scenario of the callees, made from small parts.

One SIPp process plays everybody. The first step takes the dialled number from the request
line, writes it to the witness log and branches on the two digits of its behaviour. SIPp's
traps that shape this file: a status line cannot hold a variable code (so one label per
code); a CANCEL or BYE during a ``pause`` is answered wrongly (so every wait is a ``recv``
with a timeout); ``todouble`` of an empty text ends the process (so the number's form is
checked first); as callee the address of the caller is only in its Contact.
"""

from __future__ import annotations

from callcamp.lab.behaviours import (
    ALL_BEHAVIOURS,
    LOAD_PREFIX,
    PREFIXES,
    TALKS,
    UNVALIDATED_PREFIX,
    Talk,
)
from callcamp.lab.steps import (
    DEAD_PORT,
    STREAM_PORT,
    answer,
    goto,
    hanging_up,
    label,
    listen,
    look_at_invite,
    match,
    play,
    refusing,
    request,
    ring,
    scenario,
    status,
    wait_for,
)


def _dispatch() -> list[str]:
    """The first steps: log the call, find its behaviour, go there."""
    ranges = "|".join(prefix[3:] for prefix in (*PREFIXES, UNVALIDATED_PREFIX))
    return [
        *look_at_invite(
            match(f"^[+]{LOAD_PREFIX[1:]}[0-9]{{4}}$", "isload"),
            match(f"^[+]33({ranges})([0-9][0-9])[0-9][0-9]$", "isknown,range,code"),
        ),
        '<Reference variables="range"/>',
        '<nop next="load" test="isload"/>',
        '<nop next="choose" test="isknown"/>',
        goto("fail404"),
        label("choose"),
        '<nop><action><todouble assign_to="digits" variable="code"/></action></nop>',
        *(
            f'<nop><action><test assign_to="is{one.code}" variable="digits" compare="equal"'
            f' value="{int(one.code)}"/></action></nop>'
            f'<nop next="{_target(one.slug, one.failure)}" test="is{one.code}"/>'
            for one in (*ALL_BEHAVIOURS, *TALKS)
        ),
        goto("fail404"),
    ]


def _target(slug: str, failure: int | None) -> str:
    return slug if failure is None else f"fail{failure}"


def _talkers(sounds: str) -> list[str]:
    """Everybody who picks up."""
    hello = play(f"{sounds}/person.ul")
    signal = (
        "Content-Type: application/dtmf-relay\nContent-Length: [len]\n\nSignal=1\nDuration=160\n"
    )
    return [
        label("load"),
        *answer(DEAD_PORT),
        listen(600_000, "hang_up"),
        label("person"),
        *ring(1000, "person_answers"),
        label("person_answers"),
        *answer(),
        hello,
        listen(120_000, "hang_up"),
        label("late_answer"),
        *ring(5000, "person_answers"),
        label("presses_key"),
        *ring(1000, "presses_key_answers"),
        label("presses_key_answers"),
        *answer(),
        hello,
        listen(3500, "presses_key_now"),
        label("presses_key_now"),
        # The telephone-event of rtp_stream never arrived in Asterisk; SIP INFO does.
        request("INFO", 1, signal),
        '<recv response="200"/>',
        listen(120_000, "hang_up"),
        label("hangs_up_midway"),
        *ring(1000, "hangs_up_midway_answers"),
        label("hangs_up_midway_answers"),
        *answer(),
        hello,
        listen(4000, "hang_up"),
        label("long_talk"),
        *ring(1000, "long_talk_answers"),
        label("long_talk_answers"),
        *answer(),
        play(f"{sounds}/talker.ul"),
        listen(15_000, "hang_up"),
        label("voicemail"),
        *ring(1000, "voicemail_answers"),
        label("voicemail_answers"),
        *answer(),
        play(f"{sounds}/voicemail.ul"),
        listen(120_000, "hang_up"),
        *(step for talk in TALKS for step in _talk(talk, hello)),
        # goes on into hanging up
        label("hangs_up_at_once"),
        *answer(DEAD_PORT),
        *hanging_up(),
    ]


def _talk(talk: Talk, hello: str) -> list[str]:
    return [
        label(talk.slug),
        *ring(round(talk.ring_s * 1000), f"{talk.slug}_answers"),
        label(f"{talk.slug}_answers"),
        *answer(),
        hello,
        listen(round(talk.talk_s * 1000), "hang_up"),
    ]


def _refusers(sounds: str) -> list[str]:
    """Everybody who does not pick up."""
    codes = sorted({404, *(b.failure for b in ALL_BEHAVIOURS if b.failure)})
    parts = [
        label("no_answer"),
        *ring(300_000, "fail480"),
        # A CANCEL would be unexpected in a pause, and SIPp would answer it by itself.
        label("silent_sip"),
        wait_for("CANCEL", 40_000, got="done", ontimeout="done"),
        label("early_media_fail"),
        status(183, sdp_port=STREAM_PORT),
        play(f"{sounds}/announcement.ul"),
        wait_for("CANCEL", 2500, got="cancelled", ontimeout="fail404"),
    ]
    return [*parts, *refusing(*codes)]


def render(sounds: str) -> str:
    """Return the scenario as XML.

    Args:
        sounds: the folder, as SIPp sees it, with ``person.ul``, ``talker.ul``,
            ``voicemail.ul`` and ``announcement.ul`` (raw 8 kHz mu-law). A missing file ends
            the whole SIPp process.
    """
    parts = [*_dispatch(), *_talkers(sounds), *_refusers(sounds)]
    return scenario("callcamp callees", *parts)
