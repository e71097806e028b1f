"""Contacts: listing, waiting, deleting, and skipping those that must not be called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from callcamp.core.model import Contact, Waiting
from callcamp.core.outcome import Disposition
from callcamp.core.reasons import Reason
from callcamp.core.states import CONTACT, ContactEvent, ContactStatus
from callcamp.errors import Conflict, NotFound
from callcamp.store import audit, campaigns, counts, due, rows, suppression, telling
from callcamp.store import record_tables as r
from callcamp.store import tables as t
from callcamp.store.codec import decode_settings
from callcamp.store.columns import Instant
from callcamp.store.gathering import numbers_of

_c, _n = t.contact.c, t.contact_number.c
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_ONE = rows.SELECT_CONTACT.where(_c.id == bindparam("contact"))
_OPEN = select(t.campaign.c.id).where(t.campaign.c.status.not_in(sorted(campaigns.OVER)))
# Whether they are pending is asked later: here it would lead SQLite to the wrong index.
_WITH_FIRST = select(_c.id).where(
    _c.campaign_id.in_(bindparam("open", expanding=True)), _c.phone.in_(_IDS)
)
_WITH_FURTHER = select(_n.contact_id).where(_n.phone.in_(_IDS))
_TO_SKIP = (
    select(*due.COLUMNS)
    .where(_c.id.in_(_IDS), _c.campaign_id.in_(bindparam("open", expanding=True)), text(t.PENDING))
    .with_for_update()
)
_SKIP = (
    update(t.contact)
    .where(_c.id == bindparam("_id"))
    .values(
        status=CONTACT.advance(ContactStatus.PENDING, ContactEvent.EXCLUDED).value,
        due_at=None,
        callback_at=None,
        callback_agent_id=None,
        hold=bindparam("reason"),
    )
)
_HELD = (
    _c.campaign_id == bindparam("campaign"),
    text(t.HELD),
    _c.hold == bindparam("hold"),
    _c.place == bindparam("place"),
)
_AT = bindparam("at", type_=Instant)
_HELD_DUE = select(func.count()).where(*_HELD, _c.due_at <= _AT)
_HELD_NEXT = select(_c.due_at).where(*_HELD, _c.due_at > _AT).order_by(_c.due_at).limit(1)
_VARIABLES = select(_c.id, _c.variables).where(_c.id.in_(_IDS))
_SET_VARIABLES = (
    update(t.contact)
    .where(_c.id == bindparam("_id"))
    .values(variables=bindparam("variables", type_=_c.variables.type))
)


def contact(connection: Connection, contact_id: int) -> Contact:
    """Return one contact.

    Raises:
        NotFound: there is none.
    """
    row = connection.execute(_ONE, {"contact": contact_id}).one_or_none()
    if row is None:
        raise NotFound(f"There is no contact {contact_id}.", kind="contact", key=contact_id)
    return rows.contact(row)


def contacts(
    connection: Connection,
    campaign_id: int,
    *,
    status: ContactStatus | None,
    hold: Reason | None,
    phone: str | None,
    after_id: int,
    limit: int,
) -> list[Contact]:
    """Return contacts by id."""
    campaigns.row_of(connection, campaign_id)
    statement = rows.SELECT_CONTACT.where(_c.campaign_id == campaign_id, _c.id > after_id)
    if status is not None:
        statement = statement.where(_c.status == status.value)
    if hold is not None:
        statement = statement.where(_c.hold == hold.value)
    if phone is not None:
        # By id: a page in order would read all contacts of the campaign instead.
        first = select(_c.id).where(_c.campaign_id == campaign_id, _c.phone == phone)
        further = select(_n.contact_id).where(_n.phone == phone)
        statement = statement.where(_c.id.in_(first.union_all(further)))
    statement = statement.order_by(_c.id).limit(limit)
    return [rows.contact(row) for row in connection.execute(statement)]


def results_per_number(
    connection: Connection, campaign_id: int
) -> dict[str, tuple[ContactStatus, Disposition | None]]:
    """Return state and last disposition of every contact."""
    statement = select(_c.phone, _c.status, _c.disposition).where(_c.campaign_id == campaign_id)
    return {
        phone: (ContactStatus(status), None if result is None else Disposition(result))
        for phone, status, result in connection.execute(statement)
    }


def waiting(connection: Connection, campaign_id: int, at: datetime) -> list[Waiting]:
    """Return the pending contacts by place and reason, from aggregates.

    Contacts without a reason do not wait: all of them count as due.
    """
    groups = []
    for key, n in sorted(counts.by_kind(connection, campaign_id)[counts.WAITING].items()):
        place, reason = counts.waiting_keys(key)
        is_due, next_due_at = n, None
        if reason is not None:
            values = {"campaign": campaign_id, "place": place, "hold": reason.value, "at": at}
            later = connection.execute(_HELD_NEXT, values).first()
            # When all of them are due, there can be many, and nothing to count.
            if later is not None:
                is_due = connection.execute(_HELD_DUE, values).scalar_one()
                next_due_at = later.due_at
        groups.append(Waiting(place, reason, n, is_due, next_due_at))
    return groups


def set_variables(connection: Connection, changes: Mapping[int, Mapping[str, str]]) -> None:
    """Set variables on contacts; their others stay: ``{contact: {name: value}}``."""
    if not changes:
        return
    found = rows.by_ids(connection, _VARIABLES, changes)
    values = [{"_id": row.id, "variables": {**row.variables, **changes[row.id]}} for row in found]
    connection.execute(_SET_VARIABLES, values)


def set_numbers(connection: Connection, others: Mapping[int, Sequence[str]]) -> None:
    """Note the further numbers of contacts, instead of those noted before."""
    if not others:
        return
    gone = delete(t.contact_number).where(_n.contact_id.in_(_IDS))
    rows.update_ids(connection, gone, list(others))
    values = [
        {"phone": phone, "contact_id": contact_id}
        for contact_id, phones in others.items()
        for phone in phones
    ]
    if values:
        connection.execute(insert(t.contact_number), values)


def delete_all(connection: Connection, campaign_id: int) -> int:
    """Delete the contacts of a campaign that never started."""
    row = campaigns.row_of(connection, campaign_id, for_update=True)
    if row.started_at is not None:
        raise Conflict(
            f"Campaign {campaign_id} has been started; its contacts stay. Clone it if you need "
            "a different contact set.",
            status=row.status,
        )
    deleted = remove(connection, campaign_id)
    audit.note(
        connection,
        action="contacts.deleted",
        kind="campaign",
        subject=str(campaign_id),
        campaign_id=campaign_id,
        before={"contacts": deleted},
        after={"contacts": 0},
    )
    return deleted


def remove(connection: Connection, campaign_id: int, import_id: int | None = None) -> int:
    """Delete contacts without attempts, all or those of an import; counts follow."""
    called = select(t.attempt.c.id).where(t.attempt.c.contact_id == _c.id).exists()
    conditions = [_c.campaign_id == campaign_id, ~called]
    if import_id is not None:
        conditions.append(_c.import_id == import_id)
    deltas = counts.Deltas()
    for _, of_contact, n in counts.groups(connection, *conditions):
        deltas.add(campaign_id, of_contact, -n)
    deltas.write(connection)
    return connection.execute(delete(t.contact).where(*conditions)).rowcount


def skip_suppressed(connection: Connection, phones: Iterable[str], now: datetime) -> int:
    """Skip pending contacts all of whose numbers are suppressed, in campaigns that are not over.

    Args:
        connection: a transaction.
        phones: numbers that may be suppressed since; only contacts with one of them are looked
            at.
        now: the instant.

    Returns:
        How many contacts were skipped.
    """
    open_ = {"open": list(connection.scalars(_OPEN))}
    wanted = list(dict.fromkeys(phones))
    ids = [row[0] for row in rows.by_ids(connection, _WITH_FIRST, wanted, open_)]
    ids += [row[0] for row in rows.by_ids(connection, _WITH_FURTHER, wanted)]
    by_campaign: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for row in rows.by_ids(connection, _TO_SKIP, ids, open_):
        by_campaign[row.campaign_id].append(row)
    return sum(
        _skip_among(connection, campaign_id, of_campaign, now, told=True)
        for campaign_id, of_campaign in sorted(by_campaign.items())
    )


def skip_listed(connection: Connection, campaign_id: int, after_id: int, now: datetime) -> int:
    """Skip contacts that were added after ``after_id`` and are suppressed; returns how many."""
    lists = decode_settings(campaigns.row_of(connection, campaign_id).settings).dnc_lists
    found = connection.execute(
        _first_listed(bool(lists)),
        {"campaign": campaign_id, "after": after_id, "now": now, "lists": list(lists)},
    )
    ids = [row.id for row in found]
    waiting_ = rows.by_ids(connection, _TO_SKIP, ids, {"open": [campaign_id]})
    return _skip_among(connection, campaign_id, list(waiting_), now)


def _first_listed(with_lists: bool) -> Select[Any]:
    """Return the SELECT of pending contacts whose first number is suppressed."""
    s, d = r.suppression.c, r.dnc_number.c
    listed: ColumnElement[bool] = exists().where(
        s.phone == _c.phone,
        s.scope.in_((suppression.EVERYWHERE, bindparam("campaign"))),
        or_(s.expires_at.is_(None), s.expires_at > bindparam("now", type_=Instant)),
    )
    if with_lists:
        named = select(r.dnc_list.c.id).where(
            r.dnc_list.c.name.in_(bindparam("lists", expanding=True))
        )
        listed = or_(listed, exists().where(d.list_id.in_(named), d.phone == _c.phone))
    return select(_c.id).where(
        _c.campaign_id == bindparam("campaign"),
        _c.id > bindparam("after"),
        text(t.PENDING),
        listed,
    )


def _skip_among(
    connection: Connection,
    campaign_id: int,
    found: Sequence[Row[Any]],
    now: datetime,
    *,
    told: bool = False,
) -> int:
    if not found:
        return 0
    lists = decode_settings(campaigns.row_of(connection, campaign_id).settings).dnc_lists
    phones = [phone for row in found for phone in numbers_of(row)]
    reasons = suppression.suppressed_among(connection, phones, campaign_id, now, lists)
    skipped, deltas = [], counts.Deltas()
    for row in found:
        reason = all_suppressed(numbers_of(row), reasons)
        if reason is None:
            continue
        skipped.append({"_id": row.id, "reason": reason.value})
        before = counts.counted(row)
        after = before._replace(status=ContactStatus.SKIPPED, hold=reason)
        deltas.move(campaign_id, before, after)
    if skipped:
        connection.execute(_SKIP, skipped)
        deltas.write(connection)
        # Who adds contacts is told then and there how many are left out.
        if told:
            gone = (one["_id"] for one in skipped)
            telling.note(connection, telling.skipped(campaign_id, gone, now))
    return len(skipped)


def all_suppressed(numbers: Sequence[str], reasons: Mapping[str, Reason]) -> Reason | None:
    """Return why none of the numbers may be called; None: one of them may.

    Args:
        numbers: those of a contact.
        reasons: suppressed numbers, and why.
    """
    if any(number not in reasons for number in numbers):
        return None
    found = {reasons[number] for number in numbers}
    return Reason.DO_NOT_CALL if Reason.DO_NOT_CALL in found else Reason.EXCLUDED
