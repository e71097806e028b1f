"""Adding contacts, and what becomes of those that the campaign has already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from callcamp.core.campaign_settings import CampaignSettings
from callcamp.core.model import NewContact
from callcamp.core.reasons import Reason
from callcamp.core.states import CONTACT, ContactEvent, ContactStatus
from callcamp.ports import AddResult, OnDuplicate
from callcamp.store import audit, campaigns, due, rows, suppression
from callcamp.store import contacts as contacts_
from callcamp.store import tables as t
from callcamp.store.codec import decode_settings
from callcamp.store.counts import Counted, Deltas, counted
from callcamp.store.gathering import numbers_of
from callcamp.store.placing import place_key

_c = t.contact.c
_ADD = {
    dialect.dialect().name: dialect.insert(t.contact)
    .on_conflict_do_nothing(index_elements=["campaign_id", "phone"])
    .returning(_c.id, _c.phone)
    for dialect in (sqlite, postgresql)
}
_THERE = (
    select(*due.COLUMNS)
    .where(_c.campaign_id == bindparam("campaign"), _c.phone.in_(bindparam("ids", expanding=True)))
    .with_for_update()
)
_CHANGE = (
    update(t.contact)
    .where(_c.id == bindparam("_id"))
    .values(
        {
            name: bindparam(name)
            for name in (
                "variables",
                "others",
                "number_index",
                "place",
                "status",
                "due_at",
                "hold",
                "callback_at",
                "callback_agent_id",
                "round_base",
            )
        }
    )
)
BY_PLACE = frozenset(
    {
        Reason.NEEDS_REVIEW,
        Reason.CONTACT_HOURS,
        Reason.CONTACT_HOLIDAY,
        Reason.FREQUENCY_CAP,
        Reason.COOL_OFF,
    }
)
"""Reasons for which a contact waits that another place may do away with."""
BY_NUMBERS = frozenset({Reason.NO_CONSENT, Reason.FREQUENCY_CAP, Reason.COOL_OFF})
"""Reasons for which a contact waits that other further numbers may do away with."""
_CALLED = frozenset({ContactStatus.COMPLETED, ContactStatus.FAILED, ContactStatus.SKIPPED})


def further(contact: NewContact) -> list[str]:
    """Return the further numbers of a contact, each once, without its first."""
    return [number for number in dict.fromkeys(contact.others) if number != contact.phone]


def add(
    connection: Connection,
    campaign_id: int,
    contacts: Sequence[NewContact],
    now: datetime,
    on_duplicate: OnDuplicate = OnDuplicate.SKIP,
) -> AddResult:
    """Add contacts; see :meth:`callcamp.ports.Store.add_contacts`."""
    row = campaigns.row_of(connection, campaign_id, shared=True)
    settings = decode_settings(row.settings)
    campaigns.open_for_contacts(row, settings, now)
    if not contacts:
        return AddResult(0, 0)
    work = Adding(campaign_id, settings, now, on_duplicate)
    result = work.add(connection, contacts)
    finish(connection, row, result, now)
    return result


def finish(
    connection: Connection, row: Row[Any], result: AddResult, now: datetime, **more: Any
) -> None:
    """Re-open a completed campaign that has someone to call again, and note what was added.

    Args:
        connection: the transaction.
        row: the campaign.
        result: what was added to it.
        now: the instant.
        more: further facts for the audit.
    """
    if result.added - result.suppressed + result.reopened:
        campaigns.reopen(connection, row, now)
    told = {
        name: getattr(result, name)
        for name in ("added", "duplicates", "updated", "reopened", "suppressed")
    }
    audit.note(
        connection,
        action="contacts.added",
        kind="campaign",
        subject=str(row.id),
        campaign_id=row.id,
        after={**told, **more},
        now=now,
    )


@dataclass(slots=True)
class Adding:
    """Contacts on their way into one campaign, in one transaction.

    Args:
        campaign_id: the campaign.
        settings: its settings.
        now: the instant.
        on_duplicate: what to do with numbers that are there already.
    """

    campaign_id: int
    settings: CampaignSettings
    now: datetime
    on_duplicate: OnDuplicate
    deltas: Deltas = field(default_factory=Deltas)

    def add(self, connection: Connection, contacts: Sequence[NewContact]) -> AddResult:
        """Add contacts and count them."""
        wanted: dict[str, NewContact] = {}
        for contact in contacts:
            # Of one number given twice the first counts, or the last if the later replaces.
            if contact.phone not in wanted or self.on_duplicate is not OnDuplicate.SKIP:
                wanted[contact.phone] = contact
        there = {
            row.phone: row
            for row in rows.by_ids(connection, _THERE, wanted, {"campaign": self.campaign_id})
        }
        reasons = suppression.suppressed_among(
            connection,
            [number for contact in wanted.values() for number in (contact.phone, *further(contact))]
            + [number for row in there.values() for number in numbers_of(row)],
            self.campaign_id,
            self.now,
            self.settings.dnc_lists,
        )
        fresh = [contact for phone, contact in wanted.items() if phone not in there]
        added, suppressed = self._insert(connection, fresh, reasons)
        known = [(there[phone], contact) for phone, contact in wanted.items() if phone in there]
        updated, reopened = self.again(connection, known, reasons)
        self.deltas.write(connection)
        self.deltas.clear()
        duplicates = len(contacts) - added - updated - reopened
        return AddResult(added, duplicates, updated, reopened, suppressed)

    def _insert(
        self, connection: Connection, fresh: Sequence[NewContact], reasons: dict[str, Reason]
    ) -> tuple[int, int]:
        """Insert contacts; returns how many, and how many of them are skipped at once."""
        values, what, others = [], {}, {}
        for contact in fresh:
            more = further(contact)
            reason = contacts_.all_suppressed((contact.phone, *more), reasons)
            status = CONTACT.initial
            if reason is not None:
                status = CONTACT.advance(status, ContactEvent.EXCLUDED)
            place = place_key(contact.phone, contact.variables, more)
            what[contact.phone] = Counted(status.value, place, reason, None, None)
            if more:
                others[contact.phone] = more
            values.append(
                {
                    "campaign_id": self.campaign_id,
                    "phone": contact.phone,
                    "variables": contact.variables,
                    "status": status.value,
                    "attempts": 0,
                    "due_at": self.now if reason is None else None,
                    "hold": reason,
                    "row_no": contact.row,
                    "place": place,
                    "others": more or None,
                }
            )
        if not values:
            return 0, 0
        # Somebody else may have added one meanwhile: only what comes back was added now.
        new = {
            row.phone: row.id for row in connection.execute(_ADD[connection.dialect.name], values)
        }
        for phone in new:
            self.deltas.add(self.campaign_id, what[phone])
        contacts_.set_numbers(
            connection, {new[phone]: more for phone, more in others.items() if phone in new}
        )
        return len(new), sum(what[phone].hold is not None for phone in new)

    def again(
        self,
        connection: Connection,
        known: Sequence[tuple[Row[Any], NewContact]],
        reasons: dict[str, Reason],
    ) -> tuple[int, int]:
        """Do with contacts that are there already what was asked for.

        Returns:
            How many were only updated, and how many wait for a call again.
        """
        values, others, updated, reopened = [], {}, 0, 0
        for row, contact in known:
            changes, opened = self._fate(connection, row, contact, reasons)
            if changes is None:
                continue
            before = counted(row)
            after = before._replace(
                status=changes["status"], place=changes["place"], hold=changes["hold"]
            )
            self.deltas.move(self.campaign_id, before, after)
            if (changes["others"] or []) != (row.others or []):
                others[row.id] = changes["others"] or []
            values.append({"_id": row.id, **changes})
            updated, reopened = updated + (not opened), reopened + opened
        if values:
            connection.execute(_CHANGE, values)
        contacts_.set_numbers(connection, others)
        return updated, reopened

    def _fate(
        self,
        connection: Connection,
        row: Row[Any],
        contact: NewContact,
        reasons: dict[str, Reason],
    ) -> tuple[dict[str, Any] | None, bool]:
        """Return the new columns of a contact that is there, and whether it is called again."""
        replaces = self.on_duplicate is not OnDuplicate.SKIP or row.hold == Reason.DELETED
        variables, others, place = row.variables, row.others, row.place
        if replaces:
            variables, others = contact.variables, further(contact) or None
            was = place_key(row.phone, row.variables, row.others or ())
            now_is = place_key(row.phone, variables, others or ())
            # What a person said of the place stays, unless the data says something new.
            place = now_is if was != now_is or row.hold == Reason.DELETED else row.place
        status, hold = ContactStatus(row.status), row.hold
        moved = place != row.place
        listed = not reasons.keys().isdisjoint(numbers_of(row))
        opened = self._opens(status, hold, moved=moved, listed=listed) and self._may_be_called(
            connection, (row.phone, *(others or ())), reasons
        )
        if not replaces and not opened:
            return None, False
        other_numbers = (others or []) != (row.others or [])
        fresh = opened or (
            status is ContactStatus.PENDING
            and ((moved and hold in BY_PLACE) or (other_numbers and hold in BY_NUMBERS))
        )
        return {
            "variables": variables,
            "others": others,
            "number_index": row.number_index if others == row.others and not opened else 0,
            "place": place,
            "status": CONTACT.advance(status, ContactEvent.REOPENED).value if opened else status,
            "due_at": self.now if fresh else due.stored(row),
            "hold": None if fresh else hold,
            "callback_at": None if opened else row.callback_at,
            "callback_agent_id": None if opened else row.callback_agent_id,
            "round_base": row.attempts if opened else row.round_base,
        }, opened

    def _opens(self, status: ContactStatus, hold: str | None, *, moved: bool, listed: bool) -> bool:
        """Tell whether a contact that is added again is to be called again.

        Args:
            status: its status.
            hold: why it is skipped.
            moved: whether it is somewhere else now.
            listed: whether a number that it had is still excluded, or on a do-not-call list.
        """
        if status is ContactStatus.SKIPPED:
            if hold == Reason.EXCLUDED:
                return not (self.settings.sticky_exclusion and listed)
            if hold == Reason.DELETED or (hold == Reason.ZONE_UNKNOWN and moved):
                return True
        return self.on_duplicate is OnDuplicate.CALL_AGAIN and status in _CALLED

    def _may_be_called(
        self, connection: Connection, numbers: Sequence[str], reasons: dict[str, Reason]
    ) -> bool:
        """Tell whether one of the numbers may be called, its exclusion lifted if need be."""
        if self.settings.sticky_exclusion:
            return contacts_.all_suppressed(numbers, reasons) is None
        if all(reasons.get(number) is Reason.DO_NOT_CALL for number in numbers):
            return False
        for number in numbers:
            if reasons.get(number) is Reason.EXCLUDED:
                suppression.remove(connection, number, self.campaign_id, self.now)
        return True
