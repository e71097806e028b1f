"""Imported do-not-call lists of somebody else, such as a national register."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, text, update

from callcamp.errors import InvalidInput, NotFound, StoreError
from callcamp.ports import DncList
from callcamp.store import audit, campaigns, checks
from callcamp.store import record_tables as r
from callcamp.store import tables as t

_d = r.dnc_list.c
_COLUMNS = (_d.name, _d.numbers, _d.as_of, _d.imported_at)
# A day of grace: a date that is today somewhere may begin tomorrow in UTC.
_AHEAD = timedelta(days=1)
RETIRED = 0
"""``staged_at`` of a copy that is thrown away."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who waits for a call with a number of a copy.

    Args:
        phones: the numbers.
        last_id: the newest contact when they were looked up.
    """

    phones: tuple[str, ...]
    last_id: int


def checked(phones: Iterable[str]) -> list[str]:
    """Return the numbers of a list once each, sorted.

    Raises:
        InvalidInput: one of them is not E.164.
    """
    is_phone = checks.is_phone
    return sorted({phone if is_phone(phone) else checks.phone(phone) for phone in phones})


def check(name: str, as_of: datetime, now: datetime) -> None:
    """Accept what is said of a copy.

    Raises:
        InvalidInput: the name is none, or the copy is of the future.
    """
    checks.name(name)
    if as_of > now + _AHEAD:
        raise InvalidInput(
            f"as_of is {as_of.isoformat()}, in the future; give the instant at which the copy "
            "was drawn.",
            field="as_of",
            value=as_of.isoformat(),
        )


def switch(connection: Connection, list_id: int, made: DncList, found: Waiting) -> None:
    """Put a copy that is complete in place of the one that the list had, if it was there.

    Contacts that wait in a campaign that checks the list, and have no other number, are
    skipped.

    Args:
        connection: a transaction.
        list_id: the copy.
        made: the list as it is from now on.
        found: what :func:`waiting` found for the copy.

    Raises:
        StoreError: the copy was swept meanwhile.
    """
    from callcamp.store import contacts

    _one_at_a_time(connection)
    name, now = made.name, made.imported_at
    before = _retire(connection, name)
    placed = update(r.dnc_list).where(_d.id == list_id, _d.staged_at > RETIRED)
    values = {"name": name, "numbers": made.numbers, "staged_at": None}
    if connection.execute(placed.values(values)).rowcount != 1:
        raise swept()
    phones = [*found.phones, *waiting(connection, name, list_id, after_id=found.last_id).phones]
    skipped = contacts.skip_suppressed(connection, phones, now)
    audit.note(
        connection,
        action="dnc_list.imported" if before is None else "dnc_list.replaced",
        kind="dnc_list",
        subject=name,
        before=None if before is None else _told(before),
        after={**_told(made), "contacts_skipped": skipped},
        now=now,
    )


def nameless(unique: str) -> str:
    """Return what a copy is called that is not in place: :func:`check` takes it for no name."""
    return f"\n{unique}"


def swept() -> StoreError:
    """Return the error of a copy that was taken for given up."""
    return StoreError(
        "The numbers of the list were not written for so long that they were thrown away; the "
        "list is as it was. Import it again."
    )


def lists(connection: Connection) -> list[DncList]:
    """Return the imported lists by name."""
    in_place = select(*_COLUMNS).where(_d.staged_at.is_(None)).order_by(_d.name)
    return [DncList(*row) for row in connection.execute(in_place)]


def are_there(connection: Connection, names: Sequence[str]) -> bool:
    """Tell whether there is a list of each of the names."""
    if not names:
        return True
    found = connection.scalars(select(_d.name).where(_d.name.in_(names)))
    return set(names) <= set(found)


def remove(connection: Connection, name: str) -> None:
    """Take a list out of use; its numbers are thrown away later.

    Raises:
        NotFound: there is none of that name.
    """
    # A name that no list can have (a NUL, half a character) must not reach the driver.
    before = None
    if name.isprintable():
        _one_at_a_time(connection)
        before = _retire(connection, name)
    if before is None:
        raise NotFound(f"There is no do-not-call list {name!r}.", kind="dnc_list", key=name)
    audit.note(
        connection,
        action="dnc_list.deleted",
        kind="dnc_list",
        subject=name,
        before=_told(before),
    )


def waiting(connection: Connection, name: str, list_id: int, *, after_id: int = 0) -> Waiting:
    """Return numbers of a copy that wait for a call in a campaign that checks the list.

    Args:
        connection: a transaction.
        name: name of the list.
        list_id: the copy.
        after_id: only of contacts that came after this one.
    """
    c, n, further = t.contact.c, r.dnc_number.c, t.contact_number.c
    last_id = connection.scalar(select(func.max(c.id))) or 0
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
            found.update(connection.scalars(statement.where(*of_campaign, c.id > after_id)))
    return Waiting(tuple(sorted(found)), last_id)


def _one_at_a_time(connection: Connection) -> None:
    """Let one transaction after the other say which copy a name means; SQLite does so anyway."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE dnc_list IN SHARE ROW EXCLUSIVE MODE")


def _retire(connection: Connection, name: str) -> DncList | None:
    """Take the name of a list from its copy, which is thrown away then; return what it was."""
    row = connection.execute(select(_d.id, *_COLUMNS).where(_d.name == name)).one_or_none()
    if row is None:
        return None
    gone = {"name": nameless(str(row.id)), "staged_at": RETIRED}
    connection.execute(update(r.dnc_list).where(_d.id == row.id).values(**gone))
    return DncList(*row[1:])


def _told(one: DncList) -> dict[str, Any]:
    return {"numbers": one.numbers, "as_of": one.as_of}
