"""The contact directory: people, apart from campaigns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from callcamp.core.model import NewContact
from callcamp.errors import InvalidInput
from callcamp.ports import DirectoryContact
from callcamp.store import audit, checks, rows
from callcamp.store import record_tables as r
from callcamp.store.audit import Note
from callcamp.store.columns import to_json, to_us
from callcamp.store.many import insert_many

MOST_OTHERS = 20
"""Further numbers of a person, at most."""
MOST_VARIABLES = 200
"""Variables of a person, at most."""
MOST_VARIABLE_NAME = 200
"""Characters of a variable's name, at most."""
MOST_VALUE = 4000
"""Characters of a variable's value, at most."""
CHUNK = 5_000
"""People who are written at a time."""

_p = r.person.c
_THERE = select(r.person).where(_p.phone.in_(bindparam("ids", expanding=True)))
_IDS = select(_p.phone, _p.id).where(_p.phone.in_(bindparam("ids", expanding=True)))
_WRITTEN = {
    "phone": "text",
    "others": "text",
    "variables": "text",
    "created_at": "bigint",
    "updated_at": "bigint",
}
_CHANGE = (
    "ON CONFLICT (phone) DO UPDATE SET others = excluded.others,"
    " variables = excluded.variables, updated_at = excluded.updated_at"
)
_FORGET_NUMBERS = delete(r.person_number).where(r.person_number.c.person_id == bindparam("person"))


def checked(contacts: Iterable[NewContact]) -> dict[str, NewContact]:
    """Return people by first number; who is there twice is merged.

    Raises:
        InvalidInput: a number is not E.164, or there are too many numbers or variables, or
            too long ones.
    """
    people: dict[str, NewContact] = {}
    for contact in contacts:
        checks.phone(contact.phone)
        before = people.get(contact.phone)
        people[contact.phone] = _limited(
            contact if before is None else _merged(before.others, before.variables, contact)
        )
    return people


def add(connection: Connection, people: dict[str, NewContact], now: datetime) -> tuple[int, int]:
    """Add people as :func:`checked` gives them, or update those who are there.

    Variables are merged into those that are there; further numbers take the place of those
    that are there, if any are given. Returns (added, updated).

    Raises:
        InvalidInput: somebody would have too many variables.
    """
    if connection.dialect.name == "postgresql":
        # Two who add the same person come one after the other, as they do on SQLite.
        connection.exec_driver_sql("LOCK TABLE person IN SHARE ROW EXCLUSIVE MODE")
    everybody = list(people.values())
    added, changed, updated = list[NewContact](), list[tuple[DirectoryContact, NewContact]](), 0
    for start in range(0, len(everybody), CHUNK):
        chunk = everybody[start : start + CHUNK]
        phones = [p.phone for p in chunk]
        there = {row.phone: _person(row) for row in rows.by_ids(connection, _THERE, phones)}
        updated += len(there)
        writing = []
        for person in chunk:
            before = there.get(person.phone)
            if before is None:
                writing.append(person)
                added.append(person)
                continue
            after = _limited(_merged(before.others, before.variables, person))
            if (after.others, after.variables) != (before.others, before.variables):
                writing.append(after)
                changed.append((before, after))
        _write(connection, writing, [p.id for p in there.values()], now)
    audit.note_all(connection, added, lambda person: _note("added", None, person), now)
    audit.note_all(connection, changed, lambda pair: _note("changed", *pair), now)
    return len(added), updated


def listing(
    connection: Connection, *, phone: str | None = None, after_id: int = 0, limit: int = 1000
) -> list[DirectoryContact]:
    """Return people by id; ``phone`` matches any of their numbers."""
    statement = select(r.person).where(_p.id > after_id)
    if phone is not None:
        n = r.person_number.c
        statement = statement.where(
            _p.id.in_(select(n.person_id).where(n.phone == checks.phone(phone)))
        )
    found = connection.execute(statement.order_by(_p.id).limit(limit))
    return [_person(row) for row in found]


def remove(connection: Connection, phone: str, now: datetime) -> bool:
    """Delete a person by first number; False: not there."""
    checks.phone(phone)
    row = connection.execute(
        select(r.person).where(_p.phone == phone).with_for_update()
    ).one_or_none()
    if row is None:
        return False
    connection.execute(_FORGET_NUMBERS, {"person": row.id})
    connection.execute(delete(r.person).where(_p.id == row.id))
    audit.note_all(connection, [_person(row)], lambda person: _note("deleted", person), now)
    return True


def _merged(others: Sequence[str], variables: dict[str, str], update: NewContact) -> NewContact:
    return NewContact(
        update.phone,
        {**variables, **update.variables},
        others=update.others or tuple(others),
    )


def _limited(contact: NewContact) -> NewContact:
    """Return a person with each further number once, within the limits."""
    others = tuple(dict.fromkeys(contact.others))
    for other in others:
        checks.phone(other, "others")
    others = tuple(other for other in others if other != contact.phone)
    for what, count, most in (
        ("others", len(others), MOST_OTHERS),
        ("variables", len(contact.variables), MOST_VARIABLES),
    ):
        if count > most:
            raise InvalidInput(
                f"{contact.phone} has {count} {what}; give {most} at most.",
                field=what,
                value=count,
            )
    for name, value in contact.variables.items():
        if not 0 < len(name) <= MOST_VARIABLE_NAME or len(value) > MOST_VALUE:
            raise InvalidInput(
                f"A variable of {contact.phone} is too long or has no name; give names of 1 to "
                f"{MOST_VARIABLE_NAME} characters and values of {MOST_VALUE} at most.",
                field="variables",
                value=ascii(name[:MOST_VARIABLE_NAME]),
            )
    return NewContact(contact.phone, dict(contact.variables), others=others)


def _write(
    connection: Connection, people: Sequence[NewContact], there: Sequence[int], now: datetime
) -> None:
    """Write people, of whom those with the ids ``there`` are there already."""
    at_us = to_us(now)
    insert_many(
        connection,
        "person",
        _WRITTEN,
        [(p.phone, to_json(p.others), to_json(p.variables), at_us, at_us) for p in people],
        _CHANGE,
    )
    found = rows.by_ids(connection, _IDS, [p.phone for p in people])
    ids = {row.phone: row.id for row in found}
    changed = set(ids.values()) & set(there)
    if changed:
        connection.execute(_FORGET_NUMBERS, [{"person": id_} for id_ in changed])
    insert_many(
        connection,
        "person_number",
        {"phone": "text", "person_id": "bigint"},
        [(phone, ids[p.phone]) for p in people for phone in (p.phone, *p.others)],
    )


def _note(verb: str, before: DirectoryContact | None, after: NewContact | None = None) -> Note:
    """Return what the audit may know: it keeps it for ever, so no data of the person."""
    told = [
        None if p is None else {"numbers": 1 + len(p.others), "variables": sorted(p.variables)}
        for p in (before, after)
    ]
    phones = [p.phone for p in (before, after) if p is not None]
    return Note(f"person.{verb}", "person", phones[0], None, *told)


def _person(row: Sequence[Any]) -> DirectoryContact:
    id_, phone, others, *rest = row
    return DirectoryContact(id_, phone, tuple(others), *rest)
