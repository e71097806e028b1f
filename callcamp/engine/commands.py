"""Use-cases: what people and programs can ask for, each one call.

Pages, API and command line parse, call one of these and render. They work with or without
a dialer in the same process: the dialer of another process sees changes on its next tick.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime

from callcamp.core.model import Campaign, CampaignSettings, Trunk
from callcamp.core.numbers import check_region
from callcamp.core.schedule import next_open, zone_named
from callcamp.core.states import CAMPAIGN, CampaignEvent, CampaignStatus
from callcamp.engine.live import LiveFeed
from callcamp.engine.stats import CampaignStats
from callcamp.errors import Conflict, InvalidInput, PreconditionsMissing
from callcamp.ports import Store

MAX_CONCURRENCY = 10_000
MIN_CPS = 0.001
MAX_CPS = 1_000.0
MAX_CHANNELS = 100_000
MAX_DESCRIPTION = 2000
_SOUND = re.compile(r"[A-Za-z0-9_./-]{1,200}")
_CALLER_ID = re.compile(r"\+?[0-9]{2,20}")


def utc_now() -> datetime:
    """Return the present instant, aware UTC."""
    return datetime.now(UTC)


class Commands:
    """Every use-case on campaigns.

    Args:
        store: where things are kept.
        clock: returns now, aware UTC.
        on_change: called with the campaign's id after a change, to wake its dialer.
        live: what goes on now, when a dialer runs in this process.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime] = utc_now,
        on_change: Callable[[int], None] = lambda _campaign_id: None,
        live: LiveFeed | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._on_change = on_change
        self._live = live

    async def save_trunk(
        self, name: str, *, dial_string: str, cps: float, max_channels: int | None = None
    ) -> Trunk:
        """Add a trunk or change the one of that name.

        Raises:
            InvalidInput: a value is unusable.
        """
        _check_text("name", name, 64)
        _check_text("dial_string", dial_string, 200)
        if dial_string.count("{number}") != 1 or "/" not in dial_string:
            raise InvalidInput(
                f"dial_string is {_shorten(dial_string)}; it must name a channel with {{number}} "
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
            NotFound: there is no such trunk.
        """
        campaign = await self._store.create_campaign(check_settings(settings), now=self._clock())
        self._on_change(campaign.id)
        return campaign

    async def change_settings(
        self, campaign_id: int, settings: CampaignSettings, *, expected_version: int
    ) -> Campaign:
        """Replace the settings of a draft or paused campaign.

        Raises:
            Conflict: the campaign is in another state, or was changed meanwhile.
            InvalidInput: a setting is unusable.
        """
        campaign = await self._store.campaign(campaign_id)
        if campaign.status not in {CampaignStatus.DRAFT, CampaignStatus.PAUSED}:
            raise Conflict(
                "Only draft and paused campaigns can be edited. "
                f"Current status: {campaign.status.value}.",
                status=campaign.status.value,
            )
        changed = await self._store.change_settings(
            campaign_id, check_settings(settings), expected_version=expected_version
        )
        self._on_change(campaign_id)
        return changed

    async def start(self, campaign_id: int) -> Campaign:
        """Start a draft.

        Raises:
            IllegalTransition: it is not a draft.
            PreconditionsMissing: with the whole list of what it lacks.
        """
        campaign = await self._store.campaign(campaign_id)
        CAMPAIGN.advance(campaign.status, CampaignEvent.STARTED)
        missing = await self._missing(campaign)
        if missing:
            raise PreconditionsMissing(
                f"Campaign {campaign_id} cannot start yet: {'; '.join(missing.values())}.",
                missing=missing,
            )
        return await self._move(campaign_id, CampaignEvent.STARTED)

    async def pause(self, campaign_id: int) -> Campaign:
        """Place no new calls; calls in progress go on to their end."""
        return await self._move(campaign_id, CampaignEvent.PAUSED)

    async def resume(self, campaign_id: int) -> Campaign:
        """Go on after a pause."""
        return await self._move(campaign_id, CampaignEvent.RESUMED)

    async def stop(self, campaign_id: int) -> Campaign:
        """End the campaign for good; contacts still waiting are canceled."""
        return await self._move(campaign_id, CampaignEvent.STOPPED)

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
            opens_at=plan.opens_at if running and plan else None,
            calls_per_minute=per_minute,
        )

    async def _missing(self, campaign: Campaign) -> dict[str, str]:
        missing: dict[str, str] = {}
        if not (await self._store.counts(campaign.id)).total:
            missing["contacts"] = "it has no contacts"
        if campaign.settings.prompt is None:
            missing["prompt"] = "it has no prompt to play to the people who answer"
        if next_open(campaign.settings.window, self._clock()) is None:
            missing["window"] = "its hours never open: no weekday is allowed"
        return missing

    async def _move(self, campaign_id: int, event: CampaignEvent) -> Campaign:
        campaign = await self._store.move_campaign(campaign_id, event, now=self._clock())
        self._on_change(campaign_id)
        if self._live:
            self._live.touch()
        return campaign


def check_settings(settings: CampaignSettings) -> CampaignSettings:
    """Return ``settings`` if a campaign can run with them.

    Raises:
        InvalidInput: naming the first field that is unusable.
    """
    _check_text("name", settings.name, 200)
    _check_description(settings.description)
    for field, sound in (
        ("prompt", settings.prompt),
        ("machine_message", settings.machine_message),
    ):
        if sound is not None and (".." in sound or not _SOUND.fullmatch(sound)):
            raise InvalidInput(
                f"{field} is {_shorten(sound)}; give the name of a sound that Asterisk knows, "
                "without extension: letters, digits and . _ - / only.",
                field=field,
                value=sound,
            )
    if settings.caller_id is not None and not _CALLER_ID.fullmatch(settings.caller_id):
        raise InvalidInput(
            f"caller_id is {_shorten(settings.caller_id)}; give a number: digits, with + in front "
            "if the trunk wants it.",
            field="caller_id",
            value=settings.caller_id,
        )
    _check_range("concurrency", settings.concurrency, 1, MAX_CONCURRENCY)
    _check_range("ring_timeout_s", settings.ring_timeout_s, 5, 300)
    zone_named(settings.window.zone)
    check_region(settings.default_region)
    return settings


def _check_description(value: str) -> None:
    wrong = ""
    if len(value) > MAX_DESCRIPTION:
        wrong = f"longer than {MAX_DESCRIPTION} characters"
    elif any(c == "\0" or unicodedata.category(c) == "Cs" for c in value):
        wrong = f"{_shorten(value)}, with a NUL or half of a character"
    if wrong:
        raise InvalidInput(f"The description is {wrong}.", field="description", value=value)


def _check_text(field: str, value: str, limit: int) -> None:
    if not value.strip() or len(value) > limit or _has_odd_characters(value):
        raise InvalidInput(
            f"{field} is {_shorten(value)}; give 1 to {limit} characters on one line.",
            field=field,
            value=value,
        )


def _has_odd_characters(value: str) -> bool:
    # Cs: halves of a character, as they come from bytes that are no text; no page can hold them.
    return any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in value)


def _shorten(value: str, most: int = 80) -> str:
    return repr(value if len(value) <= most else f"{value[:most]}…")


def _check_range(field: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise InvalidInput(
            f"{field} is {value}; give a number from {low} to {high}.", field=field, value=value
        )
