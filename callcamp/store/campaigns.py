"""Campaigns: their settings, version by version, and the steps of their state table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, or_, select, text, update

from callcamp.core.campaign_settings import CampaignMode, CampaignSettings
from callcamp.core.model import Campaign
from callcamp.core.reasons import Reason
from callcamp.core.states import (
    CAMPAIGN,
    CONTACT,
    CampaignEvent,
    CampaignStatus,
    ContactEvent,
    ContactStatus,
)
from callcamp.core.webhooks import OF_CAMPAIGN
from callcamp.errors import Conflict, NotFound
from callcamp.ports import SettingsVersion, current_actor
from callcamp.store import audit, counts, rows, telling
from callcamp.store import tables as t
from callcamp.store.codec import decode_settings, encode_settings
from callcamp.store.columns import safe_text

_ONE = rows.SELECT_CAMPAIGN.where(t.campaign.c.id == bindparam("campaign"))
_MANY = rows.SELECT_CAMPAIGN.where(t.campaign.c.id.in_(bindparam("ids", expanding=True)))
_BUT_SETTINGS = select(*(c for c in t.campaign.c if c.name not in {"settings", "trunk_id"})).where(
    or_(
        t.campaign.c.status.in_(bindparam("statuses", expanding=True)),
        t.campaign.c.id.in_(bindparam("ids", expanding=True)),
    )
)
_ONE_FOR_UPDATE = _ONE.with_for_update()
_ONE_SHARED = _ONE.with_for_update(read=True)
_c = t.contact.c
_CANCEL = update(t.contact).values(
    status=CONTACT.advance(ContactStatus.PENDING, ContactEvent.CANCELED).value,
    due_at=None,
    hold=None,
    callback_at=None,
    callback_agent_id=None,
)
_BEGINS = frozenset({CampaignEvent.STARTED, CampaignEvent.REOPENED})
_CANCELS = frozenset({CampaignEvent.STOPPED, CampaignEvent.EXPIRED})
OVER = frozenset({CampaignStatus.COMPLETED, CampaignStatus.CANCELED})
"""Campaigns that call nobody any more."""
BY_SETTINGS = frozenset(
    {
        Reason.CONTACT_HOURS,
        Reason.CONTACT_HOLIDAY,
        Reason.FREQUENCY_CAP,
        Reason.COOL_OFF,
        Reason.NO_CONSENT,
        Reason.NEEDS_REVIEW,
        Reason.NO_NUMBER,
        Reason.NUMBER_CAPPED,
        Reason.NUMBERS_CAPPED,
    }
)
"""Reasons for which a contact waits that other settings may do away with."""


def row_of(
    connection: Connection, campaign_id: int, *, for_update: bool = False, shared: bool = False
) -> Row[Any]:
    """Return the row of a campaign, locked against changes (``shared``) or for one.

    Raises:
        NotFound: there is none.
    """
    statement = _ONE_FOR_UPDATE if for_update else _ONE_SHARED if shared else _ONE
    row = connection.execute(statement, {"campaign": campaign_id}).one_or_none()
    if row is None:
        raise NotFound(f"There is no campaign {campaign_id}.", kind="campaign", key=campaign_id)
    return row


def open_for_contacts(row: Row[Any], settings: CampaignSettings, now: datetime) -> None:
    """Make sure that a campaign still takes contacts.

    Raises:
        Conflict: it does not.
    """
    if row.status == CampaignStatus.CANCELED:
        raise Conflict(
            f"Campaign {row.id} is canceled; it takes no more contacts. Clone it instead.",
            status=row.status,
        )
    if row.started_at is not None and settings.mode is not CampaignMode.ALWAYS_ON:
        raise Conflict(
            f"The contacts of campaign {row.id} are locked after the first run. Use clone if "
            "you need a different contact set.",
            status=row.status,
        )
    if settings.ends_at is not None and settings.ends_at <= now:
        raise Conflict(
            f"The end date of campaign {row.id} is over: contacts added now would never be "
            "called. Clone it instead.",
            status=row.status,
            ends_at=settings.ends_at.isoformat(),
        )


def _check_trunk(connection: Connection, trunk_id: int) -> None:
    if connection.scalar(select(t.trunk.c.id).where(t.trunk.c.id == trunk_id)) is None:
        raise NotFound(f"There is no trunk {trunk_id}.", kind="trunk", key=trunk_id)


def _keep_version(
    connection: Connection, campaign_id: int, version: int, settings: Any, now: datetime
) -> None:
    connection.execute(
        insert(t.campaign_version),
        {
            "campaign_id": campaign_id,
            "version": version,
            "settings": settings,
            "created_at": now,
            "actor": safe_text(current_actor()),
        },
    )


def note(
    connection: Connection,
    action: str,
    campaign_id: int,
    now: datetime,
    *,
    after: Any,
    before: Any = None,
) -> None:
    """Note in the audit what was done to a campaign."""
    audit.note(
        connection,
        action=f"campaign.{action}",
        kind="campaign",
        subject=str(campaign_id),
        campaign_id=campaign_id,
        before=before,
        after=after,
        now=now,
    )


def insert_draft(connection: Connection, settings: CampaignSettings, now: datetime) -> int:
    """Add a draft; returns its id."""
    _check_trunk(connection, settings.trunk_id)
    encoded = encode_settings(settings)
    campaign_id: int = connection.execute(
        insert(t.campaign).returning(t.campaign.c.id),
        {
            "status": CAMPAIGN.initial.value,
            "trunk_id": settings.trunk_id,
            "version": 1,
            "settings": encoded,
            "created_at": now,
        },
    ).scalar_one()
    _keep_version(connection, campaign_id, 1, encoded, now)
    return campaign_id


def create(connection: Connection, settings: CampaignSettings, now: datetime) -> Campaign:
    """Add a draft."""
    campaign_id = insert_draft(connection, settings, now)
    made = campaign(connection, campaign_id)
    note(connection, "created", campaign_id, now, after=encode_settings(settings))
    return made


def change_settings(
    connection: Connection,
    campaign_id: int,
    settings: CampaignSettings,
    expected_version: int,
    now: datetime,
) -> Campaign:
    """Replace the settings, keeping the old ones as their version."""
    row = row_of(connection, campaign_id, for_update=True)
    if row.version != expected_version:
        raise Conflict(
            f"The settings of campaign {campaign_id} were changed meanwhile: they are at "
            f"version {row.version}, not {expected_version}.",
            version=row.version,
            expected_version=expected_version,
        )
    _check_trunk(connection, settings.trunk_id)
    encoded, version = encode_settings(settings), row.version + 1
    connection.execute(
        update(t.campaign)
        .where(t.campaign.c.id == campaign_id)
        .values(settings=encoded, version=version, trunk_id=settings.trunk_id)
    )
    _keep_version(connection, campaign_id, version, encoded, now)
    release_held(connection, campaign_id, BY_SETTINGS, now)
    _give_attempts(connection, row, settings.retry.max_attempts, now)
    # What the version of callcamp before wrote lacks what came since, and nobody changed that.
    old = encode_settings(decode_settings(row.settings))
    names = sorted(n for n in encoded if encoded[n] != old[n])
    note(
        connection,
        "changed",
        campaign_id,
        now,
        before={"version": row.version, **{n: old[n] for n in names}},
        after={"version": version, **{n: encoded[n] for n in names}},
    )
    return campaign(connection, campaign_id)


def _give_attempts(connection: Connection, row: Row[Any], max_attempts: int, now: datetime) -> None:
    """Have contacts wait for a call again that were skipped and have attempts left now."""
    if row.status in OVER:
        return
    counts.update_where(
        connection,
        update(t.contact).values(
            status=CONTACT.advance(ContactStatus.SKIPPED, ContactEvent.REOPENED).value,
            due_at=now,
            hold=None,
        ),
        _c.campaign_id == row.id,
        _c.status == ContactStatus.SKIPPED.value,
        _c.hold == Reason.ATTEMPTS_USED.value,
        _c.attempts - _c.round_base < max_attempts,
        status=ContactStatus.PENDING.value,
        hold=None,
    )


def release_held(
    connection: Connection, campaign_id: int, reasons: Iterable[Reason], now: datetime
) -> int:
    """Have contacts of a campaign that wait for one of the reasons looked at again.

    The campaign is locked for a change. Returns how many contacts there are.
    """
    return counts.update_where(
        connection,
        update(t.contact).values(due_at=now, hold=None),
        _c.campaign_id == campaign_id,
        text(t.HELD),
        _c.hold.in_(sorted(reasons)),
        hold=None,
    )


def release_holds(
    connection: Connection, campaign_id: int | None, reasons: Iterable[Reason], now: datetime
) -> int:
    """Do :func:`release_held` for one campaign, or for all that are not over."""
    wanted = list(reasons)
    if campaign_id is None:
        open_ = select(t.campaign.c.id).where(t.campaign.c.status.not_in(sorted(OVER)))
        ids = list(connection.scalars(open_.order_by(t.campaign.c.id)))
    else:
        ids = [campaign_id]
    released = 0
    for each in ids:
        row_of(connection, each, for_update=True)
        released += release_held(connection, each, wanted, now)
    return released


def campaign(connection: Connection, campaign_id: int) -> Campaign:
    """Return one campaign."""
    return rows.campaign(row_of(connection, campaign_id))


def campaigns(connection: Connection, status: CampaignStatus | None) -> list[Campaign]:
    """Return campaigns, newest first."""
    statement = rows.SELECT_CAMPAIGN.order_by(t.campaign.c.id.desc())
    if status is not None:
        statement = statement.where(t.campaign.c.status == status.value)
    return [rows.campaign(row) for row in connection.execute(statement)]


def again(
    connection: Connection,
    known: Mapping[int, Campaign],
    statuses: Collection[CampaignStatus],
    ids: Collection[int],
) -> list[Campaign]:
    """Return campaigns in one of the states, and those with these ids, oldest first.

    Settings that are known in their version are not read.
    """
    wanted = {"statuses": sorted(statuses), "ids": sorted(ids)}
    heads = connection.execute(_BUT_SETTINGS, wanted).all()
    found = {
        row.id: rows.campaign_as_known(row, known[row.id].settings)
        for row in heads
        if row.id in known and known[row.id].version == row.version
    }
    missing = [row.id for row in heads if row.id not in found]
    found |= {row.id: rows.campaign(row) for row in rows.by_ids(connection, _MANY, missing)}
    return [found[campaign_id] for campaign_id in sorted(found)]


def versions(connection: Connection, campaign_id: int) -> list[SettingsVersion]:
    """Return every version of a campaign's settings, oldest first."""
    row_of(connection, campaign_id)
    v = t.campaign_version.c
    statement = (
        select(v.version, v.settings, v.created_at, v.actor)
        .where(v.campaign_id == campaign_id)
        .order_by(v.version)
    )
    return [
        SettingsVersion(row.version, decode_settings(row.settings), row.created_at, row.actor)
        for row in connection.execute(statement)
    ]


def step(connection: Connection, row: Row[Any], event: CampaignEvent, now: datetime) -> None:
    """Take a step of the campaign table; the campaign is locked for it.

    Raises:
        IllegalTransition: the table has no such step.
    """
    status = CAMPAIGN.advance(CampaignStatus(row.status), event)
    changes: dict[str, Any] = {"status": status.value}
    if event in _BEGINS:
        changes |= {"run_at": now, "started_at": row.started_at or now, "ended_at": None}
    if status in OVER:
        changes["ended_at"] = now
    connection.execute(update(t.campaign).where(t.campaign.c.id == row.id).values(**changes))
    told: dict[str, Any] = {"status": status.value}
    if event in _CANCELS:
        told["contacts_canceled"] = counts.update_where(
            connection,
            _CANCEL,
            _c.campaign_id == row.id,
            text(t.PENDING),
            status=ContactStatus.CANCELED.value,
            hold=None,
        )
    note(connection, event.value, row.id, now, before={"status": row.status}, after=told)
    if event in OF_CAMPAIGN:
        telling.note(
            connection,
            [telling.Happened(OF_CAMPAIGN[event], now, row.id, more={"before": row.status})],
        )


def move(connection: Connection, campaign_id: int, event: CampaignEvent, now: datetime) -> Campaign:
    """Take a step of the campaign table."""
    step(connection, row_of(connection, campaign_id, for_update=True), event, now)
    return campaign(connection, campaign_id)


def finish_if_done(connection: Connection, campaign_id: int, now: datetime) -> bool:
    """Complete a running campaign that has contacts, none of them open."""
    row = row_of(connection, campaign_id, for_update=True)
    if not CAMPAIGN.allows(CampaignStatus(row.status), CampaignEvent.FINISHED):
        return False
    open_, total = counts.open_and_total(connection, campaign_id)
    if open_ or not total or decode_settings(row.settings).mode is CampaignMode.ALWAYS_ON:
        return False
    step(connection, row, CampaignEvent.FINISHED, now)
    return True


def reopen(connection: Connection, row: Row[Any], now: datetime) -> None:
    """Have a campaign that is completed run again; does nothing to others."""
    if row.status == CampaignStatus.COMPLETED:
        locked = row_of(connection, row.id, for_update=True)
        step(connection, locked, CampaignEvent.REOPENED, now)


def retry_failed(connection: Connection, campaign_id: int, now: datetime) -> int:
    """Re-open a completed campaign for its failed contacts."""
    row = row_of(connection, campaign_id, for_update=True)
    CAMPAIGN.advance(CampaignStatus(row.status), CampaignEvent.REOPENED)
    reopened = counts.update_where(
        connection,
        update(t.contact).values(
            status=CONTACT.advance(ContactStatus.FAILED, ContactEvent.REOPENED).value,
            due_at=now,
            hold=None,
            number_index=0,
            round_base=_c.attempts,
        ),
        _c.campaign_id == campaign_id,
        _c.status == ContactStatus.FAILED.value,
        status=ContactStatus.PENDING.value,
        hold=None,
    )
    if not reopened:
        raise Conflict(f"Campaign {campaign_id} has no failed contact to retry.", status=row.status)
    step(connection, row, CampaignEvent.REOPENED, now)
    note(connection, "failed_retried", campaign_id, now, after={"contacts": reopened})
    return reopened
