"""The demo's list: fictional people, each behaving as the dialled number says."""

from __future__ import annotations

import csv
from pathlib import Path

from callcamp.core.outcome import Disposition
from callcamp.lab import BEHAVIOURS, Behaviour, number_for

SHARES: dict[str, int] = {
    "person": 28,
    "voicemail": 9,
    "no_answer": 10,
    "busy": 13,
    "late_answer": 6,
    "declined": 7,
    "presses_key": 5,
    "invalid_number": 4,
    "hangs_up_at_once": 4,
    "long_talk": 3,
    "silent_sip": 3,
    "unavailable": 4,
    "congestion": 3,
    "early_media_fail": 1,
}
"""How many of a hundred contacts behave how."""
_FIRST = ("Zoé", "Björn", "Ana", "Li", "Noël", "Fatima", "Jan", "O'Neil", "Šárka", "Tom")
_LAST = ("Martin", "Grünwald", "Silva", "Wang", "d'Arc", "Ben Ali", "Novák", "Smith", "Rossi")


def behaviours_for(contacts: int) -> list[Behaviour]:
    """Return one behaviour per contact, mixed evenly: every hundred has all shares."""
    by_slug = {b.slug: b for b in BEHAVIOURS}
    deck = sorted(
        ((turn + 0.5) / share, slug) for slug, share in SHARES.items() for turn in range(share)
    )
    hundred = [by_slug[slug] for _, slug in deck]
    return [hundred[i % len(hundred)] for i in range(contacts)]


def expected_disposition(behaviour: Behaviour) -> Disposition:
    """Return the disposition that a call to ``behaviour`` must end with."""
    if behaviour.disposition is None:
        raise ValueError(f"{behaviour.slug} is for tests of codes only")
    return Disposition(behaviour.disposition)


def write_sample(path: Path, contacts: int) -> dict[str, Behaviour]:
    """Write a CSV of ``contacts`` people to ``path``; returns number -> behaviour."""
    people: dict[str, Behaviour] = {}
    used: dict[str, int] = {}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["first name", "last name", "phone_number", "city"])
        for i, behaviour in enumerate(behaviours_for(contacts)):
            index = used.get(behaviour.slug, 0)
            used[behaviour.slug] = index + 1
            number = number_for(behaviour.slug, index)
            people[number] = behaviour
            local = f"0{number[3]} " + " ".join(number[4 + k : 6 + k] for k in (0, 2, 4, 6))
            writer.writerow([_FIRST[i % 10], _LAST[i % 9], local, "Paris, 8ème"])
    return people
