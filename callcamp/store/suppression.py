"""The do-not-call list: numbers that must not be called, everywhere or in one campaign."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    bindparam,
    delete,
    literal,
    or_,
    select,
    union_all,
)

from callcamp.core.changes import NewSuppression
from callcamp.core.reasons import Reason
from callcamp.ports import Suppressed, Suppression
from callcamp.store import audit, campaigns, checks, rows
from callcamp.store import record_tables as r
from callcamp.store.audit import Note
from callcamp.store.columns import Instant, maybe_us, to_us
from callcamp.store.many import insert_many

EVERYWHERE = 0
"""The scope of a number that must not be called in any campaign."""

_s = r.suppression.c
_COLUMNS = (
    _s.id,
    _s.phone,
    _s.reason,
    _s.source,
    _s.campaign_id,
    _s.created_at,
    _s.expires_at,
)
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_LASTS = or_(_s.expires_at.is_(None), _s.expires_at > bindparam("now", type_=Instant))
# The scope of a list is told apart from that of every campaign.
_ON_LIST = -1
_OF_SCOPES = select(_s.phone, _s.scope).where(
    _s.phone.in_(_IDS), _s.scope.in_((EVERYWHERE, bindparam("campaign"))), _LASTS
)
_OF_LISTS = (
    select(r.dnc_number.c.phone, literal(_ON_LIST))
    .join_from(r.dnc_number, r.dnc_list, r.dnc_list.c.id == r.dnc_number.c.list_id)
    .where(
        r.dnc_number.c.phone.in_(_IDS), r.dnc_list.c.name.in_(bindparam("lists", expanding=True))
    )
)
_OF_BOTH = union_all(_OF_SCOPES, _OF_LISTS)
# In order: two transactions lock the rows in the same order and cannot deadlock.
_THERE = select(*_COLUMNS).where(_s.phone.in_(_IDS)).order_by(_s.phone, _s.scope).with_for_update()
_WRITTEN = {
    "phone": "text",
    "scope": "bigint",
    "campaign_id": "bigint",
    "reason": "text",
    "source": "text",
    "created_at": "bigint",
    "expires_at": "bigint",
}
# Two at the same time end up in one row, on every engine, the longer one.
_KEEP_LONGER = (
    "ON CONFLICT (phone, scope) DO UPDATE SET reason = excluded.reason,"
    " source = excluded.source, created_at = excluded.created_at,"
    " expires_at = excluded.expires_at"
    " WHERE suppression.expires_at IS NOT NULL AND (excluded.expires_at IS NULL"
    " OR excluded.expires_at > suppression.expires_at)"
)


def suppressed_among(
    connection: Connection,
    phones: Iterable[str],
    campaign_id: int,
    now: datetime,
    lists: Sequence[str] = (),
) -> dict[str, Reason]:
    """Return those of the numbers that a campaign must not call, and why.

    Args:
        connection: a transaction.
        phones: numbers to look up.
        campaign_id: the campaign.
        now: the instant.
        lists: names of the imported do-not-call lists that the campaign checks.
    """
    statement = _OF_BOTH if lists else _OF_SCOPES
    values: dict[str, Any] = {"campaign": campaign_id, "now": now}
    if lists:
        values["lists"] = list(lists)
    unique, found = list(dict.fromkeys(phones)), dict[str, Reason]()
    for start in range(0, len(unique), rows.MOST_IDS):
        values["ids"] = unique[start : start + rows.MOST_IDS]
        for phone, scope in connection.execute(statement, values):
            if scope == campaign_id:
                found.setdefault(phone, Reason.EXCLUDED)
            else:
                found[phone] = Reason.DO_NOT_CALL
    return found


def checked(items: Iterable[NewSuppression]) -> list[NewSuppression]:
    """Return entries in order, of each number and campaign the one that lasts longest.

    Raises:
        InvalidInput: a number, reason or source is none.
    """
    return _longest(map(_Checks().check, items))


def add(connection: Connection, items: Iterable[NewSuppression], now: datetime) -> int:
    """Put numbers on the list; returns how many were not on it before.

    A number that is there already is left as it is, unless the new entry lasts longer.
    Contacts that wait with the numbers are not touched, see :func:`suppress`. What would be
    refused at the border is made to fit: the words of a rule must not undo an opt-out.

    Raises:
        NotFound: there is no such campaign.
    """
    return _add(connection, _longest(map(_fitting, items)), now)


def suppress(connection: Connection, items: Iterable[NewSuppression], now: datetime) -> Suppressed:
    """Do as :func:`add`, and skip contacts that wait and have no other number."""
    return suppress_checked(connection, _longest(map(_fitting, items)), now)


def suppress_checked(
    connection: Connection, items: Sequence[NewSuppression], now: datetime
) -> Suppressed:
    """Put entries of :func:`checked` on the list, and skip contacts that have no other number.

    Raises:
        NotFound: there is no such campaign.
    """
    from callcamp.store import contacts

    added = _add(connection, items, now)
    return Suppressed(added, contacts.skip_suppressed(connection, [i.phone for i in items], now))


def remove(connection: Connection, phone: str, campaign_id: int | None, now: datetime) -> bool:
    """Take a number off the list; False: it was not there."""
    found = connection.execute(
        delete(r.suppression)
        .where(_s.phone == checks.phone(phone), _s.scope == (campaign_id or EVERYWHERE))
        .returning(*_COLUMNS)
    ).one_or_none()
    if found is None:
        return False
    audit.note(
        connection,
        action="suppression.removed",
        kind="suppression",
        subject=phone,
        campaign_id=campaign_id,
        before=_told(_suppression(found)),
        now=now,
    )
    return True


def listing(
    connection: Connection,
    *,
    phone: str | None = None,
    campaign_id: int | None = None,
    after_id: int = 0,
    limit: int = 100,
) -> list[Suppression]:
    """Return entries by id; ``campaign_id`` gives that campaign's own only."""
    statement = select(*_COLUMNS).where(_s.id > after_id)
    if phone is not None:
        statement = statement.where(_s.phone == checks.phone(phone))
    if campaign_id is not None:
        campaigns.row_of(connection, campaign_id)
        statement = statement.where(_s.campaign_id == campaign_id)
    found = connection.execute(statement.order_by(_s.id).limit(limit))
    return [_suppression(row) for row in found]


def _add(connection: Connection, items: Sequence[NewSuppression], now: datetime) -> int:
    for campaign_id in sorted({_key(item)[1] for item in items} - {EVERYWHERE}):
        campaigns.row_of(connection, campaign_id)
    there = {
        _key(entry): entry
        for entry in map(_suppression, rows.by_ids(connection, _THERE, (i.phone for i in items)))
    }
    news = [i for i in items if _key(i) not in there or _longer(i, there[_key(i)])]
    at_us = to_us(now)
    insert_many(
        connection,
        "suppression",
        _WRITTEN,
        [
            (
                item.phone,
                item.campaign_id or EVERYWHERE,
                item.campaign_id,
                item.reason,
                item.source,
                at_us,
                maybe_us(item.expires_at),
            )
            for item in news
        ],
        _KEEP_LONGER,
    )
    campaign_ids = {item.campaign_id for item in news}
    audit.note_all(
        connection,
        news,
        lambda item: _note(item, there.get(_key(item))),
        now,
        campaign_id=campaign_ids.pop() if len(campaign_ids) == 1 else None,
        sources=sorted({item.source for item in news})[:20],
    )
    return sum(_key(i) not in there or not _holds(there[_key(i)], now) for i in news)


class _Checks:
    """Checks entries; words that were found good are not looked at again."""

    def __init__(self) -> None:
        self._good: set[tuple[str, str]] = set()

    def check(self, item: NewSuppression) -> NewSuppression:
        checks.phone(item.phone)
        if (item.reason, item.source) not in self._good:
            checks.words(item.reason, "reason")
            checks.words(item.source, "source", least=1)
            self._good.add((item.reason, item.source))
        return item


def _fitting(item: NewSuppression) -> NewSuppression:
    return replace(item, reason=checks.fitting(item.reason), source=checks.fitting(item.source))


def _longest(items: Iterable[NewSuppression]) -> list[NewSuppression]:
    wanted: dict[tuple[str, int], NewSuppression] = {}
    for item in items:
        key = _key(item)
        if key not in wanted or _longer(item, wanted[key]):
            wanted[key] = item
    return [item for _key, item in sorted(wanted.items(), key=itemgetter(0))]


def _key(entry: NewSuppression | Suppression) -> tuple[str, int]:
    return entry.phone, entry.campaign_id or EVERYWHERE


def _note(item: NewSuppression, before: Suppression | None) -> Note:
    verb = "added" if before is None else "extended"
    told = None if before is None else _told(before)
    return Note(
        f"suppression.{verb}", "suppression", item.phone, item.campaign_id, told, _told(item)
    )


def _longer(one: NewSuppression, other: NewSuppression | Suppression) -> bool:
    if other.expires_at is None:
        return False
    return one.expires_at is None or one.expires_at > other.expires_at


def _holds(entry: Suppression, now: datetime) -> bool:
    return entry.expires_at is None or entry.expires_at > now


def _told(entry: NewSuppression | Suppression) -> dict[str, Any]:
    return {
        "reason": entry.reason,
        "source": entry.source,
        "expires_at": entry.expires_at,
    }


def _suppression(row: Sequence[Any]) -> Suppression:
    return Suppression(*row)
