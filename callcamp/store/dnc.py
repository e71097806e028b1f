"""Imported do-not-call lists of somebody else, such as a national register."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, text

from callcamp.errors import InvalidInput, NotFound
from callcamp.ports import DncList
from callcamp.store import audit, campaigns, checks, many
from callcamp.store import record_tables as r
from callcamp.store import tables as t
from callcamp.store.columns import Instant

_d = r.dnc_list.c
_COLUMNS = (_d.name, _d.numbers, _d.as_of, _d.imported_at)
# One statement, which also locks the list: two copies at once come one after the other.
_SAVE = text(
    "INSERT INTO dnc_list (name, as_of, imported_at, numbers)"
    " VALUES (:name, :as_of, :now, :numbers)"
    " ON CONFLICT (name) DO UPDATE SET as_of = excluded.as_of,"
    " imported_at = excluded.imported_at, numbers = excluded.numbers"
    " RETURNING id"
).bindparams(
    bindparam("as_of", type_=Instant),
    bindparam("now", type_=Instant),
    bindparam("numbers", type_=_d.numbers.type),
)
# A day of grace: a date that is today somewhere may begin tomorrow in UTC.
_AHEAD = timedelta(days=1)


def checked(phones: Iterable[str]) -> list[str]:
    """Return the numbers of a list once each, sorted.

    Raises:
        InvalidInput: one of them is not E.164.
    """
    is_phone = checks.is_phone
    return sorted({phone if is_phone(phone) else checks.phone(phone) for phone in phones})


def replace(
    connection: Connection, name: str, phones: Sequence[str], as_of: datetime, now: datetime
) -> DncList:
    """Put the numbers in place of those that the list had, if it was there.

    Contacts that wait in a campaign that checks the list, and have no other number, are
    skipped.

    Args:
        connection: a transaction.
        name: name of the list.
        phones: numbers as :func:`checked` gives them.
        as_of: of when the copy is.
        now: the instant.

    Raises:
        InvalidInput: the name is none, or the copy is of the future.
    """
    from callcamp.store import contacts

    checks.name(name)
    if as_of > now + _AHEAD:
        raise InvalidInput(
            f"as_of is {as_of.isoformat()}, in the future; give the instant at which the copy "
            "was drawn.",
            field="as_of",
            value=as_of.isoformat(),
        )
    before = connection.execute(select(*_COLUMNS).where(_d.name == name)).one_or_none()
    values = {"name": name, "as_of": as_of, "now": now, "numbers": len(phones)}
    list_id = connection.execute(_SAVE, values).scalar_one()
    connection.execute(delete(r.dnc_number).where(r.dnc_number.c.list_id == list_id))
    many.insert_many(
        connection,
        "dnc_number",
        {"list_id": "bigint", "phone": "text"},
        [(list_id, phone) for phone in phones],
    )
    skipped = contacts.skip_suppressed(connection, _waiting(connection, name, list_id), now)
    after = DncList(name, len(phones), as_of, now)
    audit.note(
        connection,
        action="dnc_list.imported" if before is None else "dnc_list.replaced",
        kind="dnc_list",
        subject=name,
        before=None if before is None else _told(DncList(*before)),
        after={**_told(after), "contacts_skipped": skipped},
        now=now,
    )
    return after


def lists(connection: Connection) -> list[DncList]:
    """Return the imported lists by name."""
    return [DncList(*row) for row in connection.execute(select(*_COLUMNS).order_by(_d.name))]


def are_there(connection: Connection, names: Sequence[str]) -> bool:
    """Tell whether there is a list of each of the names."""
    if not names:
        return True
    found = connection.scalars(select(_d.name).where(_d.name.in_(names)))
    return set(names) <= set(found)


def remove(connection: Connection, name: str) -> None:
    """Delete a list.

    Raises:
        NotFound: there is none of that name.
    """
    # A name that no list can have (a NUL, half a character) must not reach the driver.
    row = (
        connection.execute(
            select(_d.id, *_COLUMNS).where(_d.name == name).with_for_update()
        ).one_or_none()
        if name.isprintable()
        else None
    )
    if row is None:
        raise NotFound(f"There is no do-not-call list {name!r}.", kind="dnc_list", key=name)
    connection.execute(delete(r.dnc_number).where(r.dnc_number.c.list_id == row.id))
    connection.execute(delete(r.dnc_list).where(_d.id == row.id))
    audit.note(
        connection,
        action="dnc_list.deleted",
        kind="dnc_list",
        subject=name,
        before=_told(DncList(*row[1:])),
    )


def _waiting(connection: Connection, name: str, list_id: int) -> list[str]:
    """Return numbers of the list that wait for a call in a campaign that checks it."""
    c, n, further = t.contact.c, r.dnc_number.c, t.contact_number.c
    open_ = select(t.campaign.c.id, t.campaign.c.settings).where(
        t.campaign.c.status.not_in(sorted(campaigns.OVER))
    )
    checking = [
        row.id for row in connection.execute(open_) if name in (row.settings.get("dnc_lists") or ())
    ]
    first = select(c.phone).join_from(t.contact, r.dnc_number, n.phone == c.phone)
    others = (
        select(further.phone)
        .join_from(t.contact_number, t.contact, c.id == further.contact_id)
        .join(r.dnc_number, n.phone == further.phone)
    )
    found: set[str] = set()
    for campaign_id in checking:
        of_campaign = (c.campaign_id == campaign_id, n.list_id == list_id, text(t.PENDING))
        for statement in (first, others):
            found.update(connection.scalars(statement.where(*of_campaign)))
    return sorted(found)


def _told(one: DncList) -> dict[str, Any]:
    return {"numbers": one.numbers, "as_of": one.as_of}
