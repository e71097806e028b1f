"""Campaigns: their settings, version by version, and the steps of their state table."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, text, update

from callcamp.core.model import Campaign, CampaignSettings
from callcamp.core.states import (
    CAMPAIGN,
    CONTACT,
    CampaignEvent,
    CampaignStatus,
    ContactEvent,
    ContactStatus,
)
from callcamp.errors import Conflict, NotFound
from callcamp.store import counts, rows
from callcamp.store import tables as t
from callcamp.store.codec import encode_settings

_ONE = rows.SELECT_CAMPAIGN.where(t.campaign.c.id == bindparam("campaign"))
_ONE_FOR_UPDATE = _ONE.with_for_update()
_ONE_SHARED = _ONE.with_for_update(read=True)
_CANCEL_PENDING = (
    update(t.contact)
    .where(t.contact.c.campaign_id == bindparam("campaign"), text(t.PENDING))
    .values(status=CONTACT.advance(ContactStatus.PENDING, ContactEvent.CANCELED).value, due_at=None)
)


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


def open_for_contacts(row: Row[Any]) -> None:
    """Make sure that a campaign still takes contacts.

    Raises:
        Conflict: it is completed or canceled; contacts added now would never be called.
    """
    if row.status in {CampaignStatus.COMPLETED, CampaignStatus.CANCELED}:
        raise Conflict(
            f"Campaign {row.id} is {row.status}; it takes no more contacts.", status=row.status
        )


def _check_trunk(connection: Connection, trunk_id: int) -> None:
    if connection.scalar(select(t.trunk.c.id).where(t.trunk.c.id == trunk_id)) is None:
        raise NotFound(f"There is no trunk {trunk_id}.", kind="trunk", key=trunk_id)


def _keep_version(
    connection: Connection, campaign_id: int, version: int, settings: Any, now: datetime
) -> None:
    connection.execute(
        insert(t.campaign_version),
        {"campaign_id": campaign_id, "version": version, "settings": settings, "created_at": now},
    )


def create(connection: Connection, settings: CampaignSettings, now: datetime) -> Campaign:
    """Add a draft."""
    _check_trunk(connection, settings.trunk_id)
    encoded = encode_settings(settings)
    campaign_id = connection.execute(
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
    return rows.campaign(row_of(connection, campaign_id))


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
    return rows.campaign(row_of(connection, campaign_id))


def campaign(connection: Connection, campaign_id: int) -> Campaign:
    """Return one campaign."""
    return rows.campaign(row_of(connection, campaign_id))


def campaigns(connection: Connection, status: CampaignStatus | None) -> list[Campaign]:
    """Return campaigns, newest first."""
    statement = rows.SELECT_CAMPAIGN.order_by(t.campaign.c.id.desc())
    if status is not None:
        statement = statement.where(t.campaign.c.status == status.value)
    return [rows.campaign(row) for row in connection.execute(statement)]


def versions(connection: Connection, campaign_id: int) -> list[tuple[int, dict[str, Any]]]:
    """Return every version of a campaign's settings as stored, oldest first."""
    statement = (
        select(t.campaign_version.c.version, t.campaign_version.c.settings)
        .where(t.campaign_version.c.campaign_id == campaign_id)
        .order_by(t.campaign_version.c.version)
    )
    return [(row.version, row.settings) for row in connection.execute(statement)]


def move(connection: Connection, campaign_id: int, event: CampaignEvent, now: datetime) -> Campaign:
    """Take a step of the campaign table."""
    row = row_of(connection, campaign_id, for_update=True)
    status = CAMPAIGN.advance(CampaignStatus(row.status), event)
    changes: dict[str, Any] = {"status": status.value}
    if event is CampaignEvent.STARTED and row.started_at is None:
        changes["started_at"] = now
    if event in {CampaignEvent.FINISHED, CampaignEvent.STOPPED}:
        changes["ended_at"] = now
    if event is CampaignEvent.REOPENED:
        changes["ended_at"] = None
    connection.execute(update(t.campaign).where(t.campaign.c.id == campaign_id).values(**changes))
    if event is CampaignEvent.STOPPED:
        canceled = connection.execute(_CANCEL_PENDING, {"campaign": campaign_id}).rowcount
        deltas = counts.Deltas()
        deltas.move_contact(campaign_id, ContactStatus.PENDING, ContactStatus.CANCELED, canceled)
        deltas.write(connection)
    return rows.campaign(row_of(connection, campaign_id))


def finish_if_done(connection: Connection, campaign_id: int, now: datetime) -> bool:
    """Complete a running campaign that has contacts, none of them open."""
    row = row_of(connection, campaign_id, for_update=True)
    if not CAMPAIGN.allows(CampaignStatus(row.status), CampaignEvent.FINISHED):
        return False
    open_, total = counts.open_and_total(connection, campaign_id)
    if open_ or not total:
        return False
    move(connection, campaign_id, CampaignEvent.FINISHED, now)
    return True
