"""Use-cases: what people and programs can ask for, each one call.

Pages, API and command line parse, call one of these and render. They work with or without
a dialer in the same process: the dialer of another process sees changes on its next tick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from callcamp.core.ended_call import ended_call
from callcamp.core.model import (
    Attempt,
    Campaign,
    CampaignSettings,
    Contact,
    ContactChoice,
    NewContact,
    Revision,
    Trunk,
)
from callcamp.core.numbers import PROBLEM_TEXT, RefusedNumber, normalise
from callcamp.core.places import Place
from callcamp.core.reasons import Reason
from callcamp.core.retry import revise_contact
from callcamp.core.rules import judge_success
from callcamp.core.schedule import zone_named
from callcamp.core.states import CAMPAIGN, CampaignEvent, CampaignStatus, ContactStatus
from callcamp.engine.checks import (
    check_locked,
    check_settings,
    check_slug,
    check_text,
    missing_to_start,
    shorten,
)
from callcamp.engine.ending import suppressions
from callcamp.engine.legal import load_presets
from callcamp.engine.lists import Lists
from callcamp.engine.live import LiveFeed
from callcamp.engine.rulebook import RuleBook
from callcamp.engine.stats import CampaignStats
from callcamp.engine.why import Why
from callcamp.errors import Conflict, InvalidInput, PreconditionsMissing
from callcamp.ports import AddResult, AuditEntry, OnDuplicate, SettingsVersion, Store
from callcamp.settings import Settings

MIN_CPS = 0.001
MAX_CPS = 1_000.0
MAX_CHANNELS = 100_000
EDITABLE = frozenset({CampaignStatus.DRAFT, CampaignStatus.PAUSED})


def utc_now() -> datetime:
    """Return the present instant, aware UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class RawContact:
    """A contact as somebody wrote it; numbers are not read yet."""

    phone: str
    variables: Mapping[str, str]
    others: tuple[str, ...] = ()


class Commands:
    """Every use-case on campaigns.

    Args:
        store: where things are kept.
        clock: returns now, aware UTC.
        on_change: called with the campaign's id after a change, to wake its dialer; with None
            after a change that any campaign may depend on.
        on_suppressed: called with a campaign's id (None: all) and numbers that must not be
            called from now on.
        live: what goes on now, when a dialer runs in this process.
        own_engine: returns the state of that dialer's engine.
        rules: the rules of campaigns; None: with the legal presets of ``settings``.
        settings: what the deployment allows; None: the defaults.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime] = utc_now,
        on_change: Callable[[int | None], None] = lambda _campaign_id: None,
        on_suppressed: Callable[[int | None, list[str]], None] = lambda _id, _phones: None,
        live: LiveFeed | None = None,
        own_engine: Callable[[], Mapping[str, Any]] | None = None,
        rules: RuleBook | None = None,
        settings: Settings | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._on_change = on_change
        self._on_suppressed = on_suppressed
        self._live = live
        self._settings = settings or Settings.model_construct()
        self.rules = rules or RuleBook(load_presets(self._settings))
        self.lists = Lists(store, clock=clock, on_change=on_change, on_suppressed=on_suppressed)
        self.why = Why(
            store, clock=clock, rules=self.rules, settings=self._settings, own_engine=own_engine
        )

    async def save_trunk(
        self, name: str, *, dial_string: str, cps: float, max_channels: int | None = None
    ) -> Trunk:
        """Add a trunk or change the one of that name.

        Raises:
            InvalidInput: a value is unusable.
        """
        check_text("name", name, 64)
        check_text("dial_string", dial_string, 200)
        if dial_string.count("{number}") != 1 or "/" not in dial_string:
            raise InvalidInput(
                f"dial_string is {shorten(dial_string)}; it must name a channel with {{number}} "
                "once, such as PJSIP/{number}@carrier.",
                field="dial_string",
                value=dial_string,
            )
        if not MIN_CPS <= cps <= MAX_CPS:
            raise InvalidInput(
                f"cps is {cps}; give calls per second from {MIN_CPS:g} to {MAX_CPS:g}.",
                field="cps",
                value=cps,
            )
        if max_channels is not None and not 1 <= max_channels <= MAX_CHANNELS:
            raise InvalidInput(
                f"max_channels is {max_channels}; give 1 to {MAX_CHANNELS}, or leave it out.",
                field="max_channels",
                value=max_channels,
            )
        return await self._store.save_trunk(
            name, dial_string=dial_string, cps=cps, max_channels=max_channels
        )

    async def trunks(self) -> list[Trunk]:
        """Return all trunks by name."""
        return await self._store.trunks()

    async def create_campaign(self, settings: CampaignSettings) -> Campaign:
        """Add a campaign as a draft.

        Raises:
            InvalidInput: a setting is unusable.
            NotFound: there is no such trunk, or no such legal preset.
        """
        self._check(settings)
        campaign = await self._store.create_campaign(settings, now=self._clock())
        self._on_change(campaign.id)
        return campaign

    async def change_settings(
        self, campaign_id: int, settings: CampaignSettings, *, expected_version: int
    ) -> Campaign:
        """Replace the settings of a draft or paused campaign.

        Raises:
            Conflict: the campaign is in another state, was changed meanwhile, or the change
                concerns what is locked after the first run.
            InvalidInput: a setting is unusable.
        """
        campaign = await self._store.campaign(campaign_id)
        if campaign.status not in EDITABLE:
            raise Conflict(
                "Only draft and paused campaigns can be edited. "
                f"Current status: {campaign.status.value}.",
                status=campaign.status.value,
            )
        self._check(settings)
        check_locked(campaign, settings)
        changed = await self._store.change_settings(
            campaign_id, settings, expected_version=expected_version, now=self._clock()
        )
        self._on_change(campaign_id)
        return changed

    def _check(self, settings: CampaignSettings) -> None:
        check_settings(settings)
        self.rules.make(settings)

    async def clone(
        self, campaign_id: int, name: str | None = None, choice: ContactChoice | None = None
    ) -> Campaign:
        """Copy a campaign into a fresh draft: its settings and, given a choice, contacts.

        Args:
            campaign_id: any campaign, whatever its state.
            name: name of the copy (None: the old one and "(copy)").
            choice: which contacts come along, fresh (None: none).

        Raises:
            InvalidInput: the name is unusable.
        """
        source = await self._store.campaign(campaign_id)
        new_name = name if name is not None else f"{source.settings.name[:190]} (copy)"
        check_text("name", new_name, 200)
        # Dates of the past would keep the copy from starting.
        settings = replace(source.settings, name=new_name, starts_at=None, ends_at=None)
        self._check(settings)
        copy = await self._store.clone_campaign(campaign_id, settings, choice, now=self._clock())
        self._on_change(copy.id)
        return copy

    async def start(self, campaign_id: int) -> Campaign:
        """Start a draft, or queue it until its start date.

        Raises:
            IllegalTransition: it is not a draft, nor queued.
            PreconditionsMissing: with the whole list of what it lacks.
        """
        campaign = await self._store.campaign(campaign_id)
        event = self._starting(campaign, CampaignEvent.STARTED)
        CAMPAIGN.advance(campaign.status, event)
        await self._check_can_start(campaign)
        return await self._move(campaign_id, event)

    def _starting(self, campaign: Campaign, event: CampaignEvent) -> CampaignEvent:
        starts_at = campaign.settings.starts_at
        later = starts_at is not None and starts_at > self._clock()
        # A queued one is started by hand before its date.
        queued = campaign.status is CampaignStatus.QUEUED
        return CampaignEvent.QUEUED if later and not queued else event

    async def missing(self, campaign_id: int) -> dict[str, str]:
        """Return all that a campaign lacks to start, ``{field: what, in words}``."""
        return await self._missing(await self._store.campaign(campaign_id))

    async def _missing(self, campaign: Campaign) -> dict[str, str]:
        counts = await self._store.counts(campaign.id)
        return missing_to_start(
            campaign,
            self.rules.of(campaign),
            self._settings,
            contacts=counts.contacts.get(ContactStatus.PENDING, 0),
            numbers=await self._store.outbound_numbers(),
            lists=await self._store.dnc_lists(),
            now=self._clock(),
        )

    async def _check_can_start(self, campaign: Campaign) -> None:
        missing = await self._missing(campaign)
        if missing:
            raise PreconditionsMissing(
                f"Campaign {campaign.id} cannot start yet: {'; '.join(missing.values())}.",
                missing=missing,
            )

    async def pause(self, campaign_id: int) -> Campaign:
        """Place no new calls; calls in progress go on to their end."""
        return await self._move(campaign_id, CampaignEvent.PAUSED)

    async def resume(self, campaign_id: int) -> Campaign:
        """Go on after a pause; before its start date it is queued again.

        Raises:
            IllegalTransition: it is not paused.
            PreconditionsMissing: an edit took away what it needs.
        """
        campaign = await self._store.campaign(campaign_id)
        event = self._starting(campaign, CampaignEvent.RESUMED)
        CAMPAIGN.advance(campaign.status, event)
        missing = await self._missing(campaign)
        # Whoever is left may be in a call, or nobody is: then it completes.
        missing.pop("contacts", None)
        if missing:
            raise PreconditionsMissing(
                f"Campaign {campaign_id} cannot go on: {'; '.join(missing.values())}.",
                missing=missing,
            )
        return await self._move(campaign_id, event)

    async def stop(self, campaign_id: int) -> Campaign:
        """End the campaign for good; contacts still waiting are canceled."""
        return await self._move(campaign_id, CampaignEvent.STOPPED)

    async def complete(self, campaign_id: int) -> Campaign:
        """Complete a campaign before all its contacts are done; those waiting are canceled.

        Other than a stopped one it can be re-opened for its failed contacts.
        """
        return await self._move(campaign_id, CampaignEvent.EXPIRED)

    async def retry_failed(self, campaign_id: int) -> tuple[Campaign, int]:
        """Re-open a completed campaign for its failed contacts; returns it, and how many.

        Raises:
            IllegalTransition: it is not completed.
            Conflict: it has no failed contact.
            PreconditionsMissing: it lacks what it needs to dial.
        """
        campaign = await self._store.campaign(campaign_id)
        CAMPAIGN.advance(campaign.status, CampaignEvent.REOPENED)
        missing = await self._missing(campaign)
        missing.pop("contacts", None)
        if missing:
            raise PreconditionsMissing(
                f"Campaign {campaign_id} cannot be re-opened: {'; '.join(missing.values())}.",
                missing=missing,
            )
        count = await self._store.retry_failed(campaign_id, now=self._clock())
        self._changed(campaign_id)
        return await self._store.campaign(campaign_id), count

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
                _read_number(raw.phone, region, f"contacts[{index}].phone"),
                dict(raw.variables),
                others=tuple(
                    _read_number(other, region, f"contacts[{index}].others") for other in raw.others
                ),
            )
            for index, raw in enumerate(contacts)
        ]
        result = await self._store.add_contacts(
            campaign_id, ready, now=self._clock(), on_duplicate=on_duplicate
        )
        self._changed(campaign_id)
        return result

    async def contact(self, campaign_id: int, phone: str) -> Contact:
        """Return the contact of a campaign that has a number, as somebody wrote it.

        Raises:
            InvalidInput: there is no contact with it, or it is no number.
        """
        campaign = await self._store.campaign(campaign_id)
        number = _read_number(phone, campaign.settings.default_region, "phone")
        found = await self._store.contacts(campaign_id, phone=number, limit=1)
        if not found:
            raise InvalidInput(
                f"Campaign {campaign_id} has no contact with {number}.", field="phone", value=phone
            )
        return found[0]

    async def exclude(self, contact: Contact, reason: str) -> Contact:
        """Exclude a contact from its campaign; a call in progress goes on to its end."""
        check_text("reason", reason, 200)
        after = await self._store.exclude_contact(contact.id, reason=reason, now=self._clock())
        self._on_suppressed(contact.campaign_id, list(contact.numbers))
        self._changed(contact.campaign_id)
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
        self._changed(contact.campaign_id)
        return after

    async def delete_contact(self, contact: Contact) -> None:
        """Delete a contact; the records of its calls stay.

        Raises:
            Conflict: it is in a live call.
        """
        await self._store.delete_contact(contact.id, now=self._clock())
        self._on_suppressed(contact.campaign_id, [])
        self._changed(contact.campaign_id)

    async def set_outcome(
        self,
        attempt_id: str,
        *,
        outcome: str | None = None,
        callback_at: datetime | None = None,
        variables: Mapping[str, str] | None = None,
        source: str = "agent",
        source_allows_callbacks: bool = True,
    ) -> Attempt:
        """Note what a bot, an agent or an analysis says of a call that has ended.

        The campaign's rules decide anew what becomes of the contact.

        Args:
            attempt_id: the call.
            outcome: a custom disposition.
            callback_at: when the person wants to be called back.
            variables: what was filled in during the conversation.
            source: who says so, for the do-not-call list.
            source_allows_callbacks: whether that bot or agent makes callbacks; the campaign
                has to make them as well.

        Raises:
            InvalidInput: the outcome is no slug, or a variable's name is unusable.
            Conflict: the call has not ended, or the callback cannot be made.
        """
        if outcome is not None:
            check_slug("outcome", outcome)
        for name in variables or {}:
            check_text("variables", name, 100)
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
                variables={**attempt.variables, **(variables or {})},
            ),
            callback_at,
            source,
            source_allows=source_allows_callbacks,
        )
        after = await self._store.revise(revision, now=self._clock())
        for item in revision.suppress:
            self._on_suppressed(item.campaign_id, [item.phone])
        self._changed(attempt.campaign_id)
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
            refused=refused,
            variables={**attempt.variables, **decision.call_variables},
            contact=decision.change,
            suppress=suppressions(decision, campaign, contact.numbers, source),
        )

    async def versions(self, campaign_id: int) -> list[SettingsVersion]:
        """Return every version of a campaign's settings, oldest first."""
        return await self._store.settings_versions(campaign_id)

    async def audit(
        self, campaign_id: int | None = None, *, before_id: int | None = None, limit: int = 100
    ) -> list[AuditEntry]:
        """Return who did what and when, newest first."""
        return await self._store.audit(campaign_id=campaign_id, before_id=before_id, limit=limit)

    async def stats(self, campaign_id: int) -> CampaignStats:
        """Return one campaign with counts, rates and what holds it back."""
        return await self._stats(await self._store.campaign(campaign_id))

    async def all_stats(self, status: CampaignStatus | None = None) -> list[CampaignStats]:
        """Return all campaigns, newest first, with counts and rates."""
        return [await self._stats(c) for c in await self._store.campaigns(status)]

    async def _stats(self, campaign: Campaign) -> CampaignStats:
        counts = await self._store.counts(campaign.id)
        plan = self._live.plan(campaign.id) if self._live else None
        per_minute = self._live.calls_per_minute(campaign.id, self._clock()) if self._live else 0
        running = campaign.status is CampaignStatus.RUNNING
        return CampaignStats(
            campaign,
            counts,
            hold=plan.hold.value if running and plan and plan.hold else None,
            opens_at=plan.until if running and plan else None,
            calls_per_minute=per_minute,
        )

    async def _move(self, campaign_id: int, event: CampaignEvent) -> Campaign:
        campaign = await self._store.move_campaign(campaign_id, event, now=self._clock())
        self._changed(campaign_id)
        return campaign

    def _changed(self, campaign_id: int) -> None:
        self._on_change(campaign_id)
        if self._live:
            self._live.touch()


def _read_number(text: str, region: str, field: str) -> str:
    number = normalise(text, region)
    if isinstance(number, RefusedNumber):
        raise InvalidInput(
            f"{field} is {shorten(text)}: {PROBLEM_TEXT[number.problem]}.",
            field=field,
            value=text,
            problem=number.problem.value,
        )
    return number
