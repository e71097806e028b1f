"""The contact directory: people, apart from campaigns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from callcamp.core.model import NewContact
from callcamp.errors import InvalidInput
from callcamp.ports import DirectoryContact
from callcamp.store import audit, checks, rows
from callcamp.store import record_tables as r
from callcamp.store.audit import Note

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
_ADD = insert(r.person).returning(_p.id, _p.phone)
_CHANGE = (
    update(r.person)
    .where(_p.id == bindparam("person"))
    .values(
        others=bindparam("new_others"),
        variables=bindparam("new_variables"),
        updated_at=bindparam("now"),
    )
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
    added, updated, changes = list[Note](), 0, list[Note]()
    for chunk in _chunks(list(people)):
        there = {row.phone: _person(row) for row in rows.by_ids(connection, _THERE, chunk)}
        new = [people[phone] for phone in chunk if phone not in there]
        _insert(connection, new, now)
        added += [Note("person.added", "person", p.phone, after=_told(p)) for p in new]
        changed = []
        for before in there.values():
            after = _limited(_merged(before.others, before.variables, people[before.phone]))
            if (after.others, after.variables) != (before.others, before.variables):
                changed.append((before.id, after))
                told = _told(before), _told(after)
                changes.append(Note("person.changed", "person", before.phone, None, *told))
        _update(connection, changed, now)
        updated += len(there)
    audit.note_all(connection, added, now)
    audit.note_all(connection, changes, now)
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
    audit.note(
        connection,
        action="person.deleted",
        kind="person",
        subject=phone,
        before=_told(_person(row)),
        now=now,
    )
    return True


def _chunks(phones: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(phones), CHUNK):
        yield phones[start : start + CHUNK]


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


def _insert(connection: Connection, people: Sequence[NewContact], now: datetime) -> None:
    if not people:
        return
    values = [
        {
            "phone": p.phone,
            "others": list(p.others),
            "variables": p.variables,
            "created_at": now,
            "updated_at": now,
        }
        for p in people
    ]
    ids = {phone: id_ for id_, phone in connection.execute(_ADD, values)}
    _keep_numbers(connection, [(ids[p.phone], p) for p in people])


def _update(
    connection: Connection, people: Sequence[tuple[int, NewContact]], now: datetime
) -> None:
    if not people:
        return
    connection.execute(
        _CHANGE,
        [
            {
                "person": id_,
                "new_others": list(p.others),
                "new_variables": p.variables,
                "now": now,
            }
            for id_, p in people
        ],
    )
    connection.execute(_FORGET_NUMBERS, [{"person": id_} for id_, _p in people])
    _keep_numbers(connection, people)


def _keep_numbers(connection: Connection, people: Sequence[tuple[int, NewContact]]) -> None:
    connection.execute(
        insert(r.person_number),
        [{"phone": phone, "person_id": id_} for id_, p in people for phone in (p.phone, *p.others)],
    )


def _told(person: NewContact | DirectoryContact) -> dict[str, Any]:
    """Return what the audit may know: it keeps it for ever, so no data of the person."""
    return {"numbers": 1 + len(person.others), "variables": sorted(person.variables)}


def _person(row: Sequence[Any]) -> DirectoryContact:
    id_, phone, others, *rest = row
    return DirectoryContact(id_, phone, tuple(others), *rest)
