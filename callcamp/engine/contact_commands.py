"""Use-cases on the contacts of campaigns, and on what is learnt of their calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from callcamp.core.changes import Revision
from callcamp.core.ended_call import ended_call
from callcamp.core.model import Attempt, Contact, NewContact
from callcamp.core.numbers import PROBLEM_TEXT, RefusedNumber, normalise
from callcamp.core.places import Place
from callcamp.core.reasons import Reason
from callcamp.core.retry import revise_contact
from callcamp.core.rules import judge_success
from callcamp.core.schedule import zone_named
from callcamp.core.states import CampaignStatus
from callcamp.engine.checks import check_slug, check_text, shorten
from callcamp.engine.command_base import CommandBase
from callcamp.engine.ending import suppressions
from callcamp.engine.variables import check_variables
from callcamp.errors import Conflict, InvalidInput
from callcamp.ports import AddResult, OnDuplicate

_NAMED = 5


@dataclass(frozen=True, slots=True)
class RawContact:
    """A contact as somebody wrote it; numbers are not read yet."""

    phone: str
    variables: Mapping[str, str]
    others: tuple[str, ...] = ()


class ContactCommands(CommandBase):
    """Every use-case on contacts of campaigns and on their calls."""

    async def add_contacts(
        self,
        campaign_id: int,
        contacts: Iterable[RawContact],
        on_duplicate: OnDuplicate = OnDuplicate.SKIP,
    ) -> AddResult:
        """Add contacts as somebody wrote them; all of them, or none.

        Raises:
            InvalidInput: a number cannot be called; named with its place in the list.
            Conflict: the campaign takes no contacts (any more).
        """
        campaign = await self._store.campaign(campaign_id)
        region = campaign.settings.default_region
        ready = [
            NewContact(
                read_number(raw.phone, region, f"contacts[{index}].phone"),
                check_variables(raw.variables),
                others=tuple(
                    read_number(other, region, f"contacts[{index}].others") for other in raw.others
                ),
            )
            for index, raw in enumerate(contacts)
        ]
        result = await self._store.add_contacts(
            campaign_id, ready, now=self._clock(), on_duplicate=on_duplicate
        )
        self._contacts_changed(campaign_id)
        return result

    async def contact(self, campaign_id: int, phone: str) -> Contact:
        """Return the contact of a campaign that has a number, as somebody wrote it.

        One whose first number it is comes before those that have it as a further one.

        Raises:
            InvalidInput: there is no contact with it, several have it as a further number, or
                it is no number.
        """
        campaign = await self._store.campaign(campaign_id)
        number = read_number(phone, campaign.settings.default_region, "phone")
        found = await self._store.contacts(campaign_id, phone=number)
        own = [contact for contact in found if contact.phone == number] or found
        if len(own) == 1:
            return own[0]
        problem = f"Campaign {campaign_id} has no contact with {number}."
        if own:
            firsts = ", ".join(contact.phone for contact in own[:_NAMED])
            problem = (
                f"{number} is a further number of {len(own)} contacts of campaign {campaign_id}; "
                f"give the first number of one: {firsts}."
            )
        raise InvalidInput(problem, field="phone", value=phone)

    async def exclude(self, contact: Contact, reason: str) -> Contact:
        """Exclude a contact from its campaign; a call in progress goes on to its end."""
        check_text("reason", reason, 200)
        after = await self._store.exclude_contact(contact.id, reason=reason, now=self._clock())
        self._on_suppressed(contact.campaign_id, list(contact.numbers))
        self._contacts_changed(contact.campaign_id)
        return after

    async def review(self, contact: Contact, zone: str | None) -> Contact:
        """Say in which time zone a contact is, or skip it (None), after looking at it.

        Raises:
            InvalidInput: there is no such zone.
            IllegalTransition: it is to be skipped and does not wait.
        """
        now = self._clock()
        if zone is None:
            after = await self._store.skip_contact(contact.id, Reason.ZONE_UNKNOWN, now=now)
        else:
            zone_named(zone)
            place = replace(Place.parse(contact.place), zones=(zone,))
            after = await self._store.set_place(contact.id, place.key, now=now)
        # A call that waits for its turn was let out for where the contact seemed to be.
        self._on_suppressed(contact.campaign_id, list(contact.numbers))
        self._contacts_changed(contact.campaign_id)
        return after

    async def delete_contact(self, contact: Contact) -> None:
        """Delete a contact; the records of its calls stay.

        Raises:
            Conflict: it is in a live call.
        """
        await self._store.delete_contact(contact.id, now=self._clock())
        self._on_suppressed(contact.campaign_id, [])
        self._contacts_changed(contact.campaign_id)

    async def set_outcome(
        self,
        attempt_id: str,
        *,
        outcome: str | None = None,
        callback_at: datetime | None = None,
        callback_agent_id: int | None = None,
        variables: Mapping[str, str] | None = None,
        source: str = "agent",
        source_allows_callbacks: bool = True,
        note_ids: tuple[int, ...] = (),
    ) -> Attempt:
        """Note what a bot, an agent or an analysis says of a call that has ended.

        The campaign's rules decide anew what becomes of the contact.

        Args:
            attempt_id: the call.
            outcome: a custom disposition.
            callback_at: when the person wants to be called back.
            callback_agent_id: the only agent who makes that callback (None: anyone).
            variables: what was filled in during the conversation.
            source: who says so, for the do-not-call list.
            source_allows_callbacks: whether that bot or agent makes callbacks; the campaign
                has to make them as well.
            note_ids: notes of agents that say this; they are done with then.

        Raises:
            InvalidInput: the outcome is no slug, or a variable's name is unusable.
            Conflict: the call has not ended, or the callback cannot be made.
        """
        if outcome is not None:
            check_slug("outcome", outcome)
        checked = check_variables(variables or {})
        attempt = await self._store.attempt(attempt_id)
        if attempt.ended_at is None or attempt.disposition is None:
            raise Conflict(
                f"Call {attempt_id} is {attempt.status.value}; an outcome is noted when it has "
                "ended.",
                status=attempt.status.value,
            )
        revision = await self._revision(
            replace(
                attempt,
                outcome=outcome or attempt.outcome,
                variables={**attempt.variables, **checked},
            ),
            callback_at,
            source,
            source_allows=source_allows_callbacks,
        )
        if callback_agent_id is not None and revision.contact and revision.contact.callback:
            change = replace(revision.contact, callback_agent_id=callback_agent_id)
            revision = replace(revision, contact=change)
        revision = replace(revision, note_ids=note_ids)
        after = await self._store.revise(revision, now=self._clock())
        for item in revision.suppress:
            self._on_suppressed(item.campaign_id, [item.phone])
        self._contacts_changed(attempt.campaign_id)
        return after

    async def _revision(
        self, attempt: Attempt, callback_at: datetime | None, source: str, *, source_allows: bool
    ) -> Revision:
        campaign = await self._store.campaign(attempt.campaign_id)
        contact = await self._store.contact(attempt.contact_id)
        known = {o.name: o for o in await self._store.outcomes()}.get(attempt.outcome or "")
        refused = attempt.refused or (known is not None and known.refused)
        call = ended_call(
            replace(attempt, refused=refused),
            contact,
            ended_at=attempt.ended_at or self._clock(),
            opted_out=known is not None and known.opt_out,
            callback_at=callback_at,
        )
        verdict = judge_success(campaign.settings.success, replace(call, success=None).facts())
        rules = self.rules.try_of(campaign)
        decision = revise_contact(
            campaign.settings,
            replace(call, success=verdict.success),
            contact,
            now=self._clock(),
            campaign_over=campaign.status in {CampaignStatus.CANCELED, CampaignStatus.COMPLETED},
            source_allows=source_allows,
            next_open=None if rules is None else partial(rules.next_open, contact.place),
        )
        if decision.callback_refused is not None:
            raise Conflict(
                f"The callback cannot be made: {decision.callback_refused}.",
                reason=decision.callback_refused,
            )
        return Revision(
            attempt.id,
            outcome=attempt.outcome,
            success=verdict.success,
            decided_by=verdict.decided_by,
            rule=decision.rule,
            refused=refused or bool(decision.suppress),
            variables={**attempt.variables, **decision.call_variables},
            contact_variables=decision.contact_variables,
            contact=decision.change,
            suppress=suppressions(decision, campaign, contact.numbers, source),
        )


def read_number(text: str, region: str, field: str) -> str:
    """Return a phone number as E.164.

    Args:
        text: as somebody wrote it.
        region: ISO 3166 country for numbers written without one.
        field: named in the message.

    Raises:
        InvalidInput: it is no number that can be called.
    """
    number = normalise(text, region)
    if isinstance(number, RefusedNumber):
        raise InvalidInput(
            f"{field} is {shorten(text)}: {PROBLEM_TEXT[number.problem]}.",
            field=field,
            value=text,
            problem=number.problem.value,
        )
    return number
