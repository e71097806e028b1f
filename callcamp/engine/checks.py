"""What a campaign's settings must be like, and what it lacks to start."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from datetime import datetime

from callcamp.core.campaign_settings import CampaignMode, CampaignSettings
from callcamp.core.compliance import lists_verdict, missing_for_start
from callcamp.core.gate import OutboundNumber
from callcamp.core.model import Campaign
from callcamp.core.numbers import check_region, normalise
from callcamp.core.outcome import MEANING
from callcamp.core.rules import check_conditions, check_policy
from callcamp.core.ruleset import RuleSet
from callcamp.core.schedule import check_holiday_region, check_hours_rule, zone_named
from callcamp.engine.agent_checks import check_agents, missing_agents
from callcamp.engine.values import (
    check_count,
    check_range,
    check_slug,
    check_sound,
    check_text,
    shorten,
)
from callcamp.errors import Conflict, InvalidInput
from callcamp.ports import DncList
from callcamp.settings import Settings

__all__ = [
    "check_locked",
    "check_settings",
    "check_slug",
    "check_text",
    "is_switched_off",
    "missing_to_start",
    "shorten",
]

MAX_CONCURRENCY = 10_000
MAX_DESCRIPTION = 2000
_CALLER_ID = re.compile(r"\+?[0-9]{2,20}")
_KEYS = frozenset("0123456789*#")


def check_settings(settings: CampaignSettings) -> CampaignSettings:
    """Return ``settings`` if a campaign can run with them.

    Raises:
        InvalidInput: naming the first field that is unusable.
    """
    check_text("name", settings.name, 200)
    _check_description(settings.description)
    check_sound("prompt", settings.prompt)
    check_sound("machine_message", settings.machine_message)
    if settings.caller_id is not None and not _CALLER_ID.fullmatch(settings.caller_id):
        raise InvalidInput(
            f"caller_id is {shorten(settings.caller_id)}; give a number: digits, with + in front "
            "if the trunk wants it.",
            field="caller_id",
            value=settings.caller_id,
        )
    check_range("concurrency", settings.concurrency, 1, MAX_CONCURRENCY)
    check_range("ring_timeout_s", settings.ring_timeout_s, 5, 300)
    zone_named(settings.window.zone)
    check_region(settings.default_region)
    _check_time(settings)
    _check_rules(settings)
    _check_pool(settings)
    _check_compliance(settings)
    check_agents(settings.agents)
    return settings


def _check_time(settings: CampaignSettings) -> None:
    check_count("hours", settings.hours)
    for rule in settings.hours:
        check_hours_rule(rule)
    check_count("holidays", settings.holidays)
    for region in settings.holidays:
        check_holiday_region(region)
    own = settings.contact_hours
    if (own.start is None) != (own.end is None):
        raise InvalidInput(
            "contact_hours has only one of start and end; give both, or neither.",
            field="contact_hours",
            value={"start": str(own.start), "end": str(own.end)},
        )
    for field, at in (("starts_at", settings.starts_at), ("ends_at", settings.ends_at)):
        if at is not None and (at.tzinfo is None or not 2000 <= at.year < 3000):
            raise InvalidInput(
                f"{field} is {at}; give an instant with its time zone, in the years 2000 to 2999.",
                field=field,
                value=str(at),
            )
    if settings.starts_at and settings.ends_at and settings.ends_at <= settings.starts_at:
        raise InvalidInput(
            f"ends_at is {settings.ends_at}; give an instant after starts_at, which is "
            f"{settings.starts_at}.",
            field="ends_at",
            value=str(settings.ends_at),
        )


def _check_rules(settings: CampaignSettings) -> None:
    check_count("success.conditions", settings.success.conditions)
    check_conditions(settings.success.conditions)
    useless = sorted(d for d in settings.retry.retry_on if not MEANING[d].retryable)
    if useless:
        raise InvalidInput(
            f"retry.retry_on has {', '.join(useless)}, after which no call is made again; to call "
            "people again, use retry.redial_under_talk_s, retry.until_success or a rule.",
            field="retry.retry_on",
            value=useless[0].value,
        )
    check_count("retry.rules", settings.retry.rules)
    check_policy(settings.retry)
    for field, names in (
        ("retry.retry_on_outcomes", settings.retry.retry_on_outcomes),
        ("opt_out_outcomes", settings.opt_out_outcomes),
    ):
        check_count(field, names)
        for name in names:
            check_slug(field, name)


def _check_pool(settings: CampaignSettings) -> None:
    pool = settings.pool
    check_count("pool.numbers", pool.numbers)
    for phone in pool.numbers:
        if normalise(phone, None) != phone:
            raise InvalidInput(
                f"pool.numbers has {shorten(phone)}; give valid numbers as E.164, such as "
                "+33123456789.",
                field="pool.numbers",
                value=phone,
            )
    if not 0 <= pool.rest_under < 1:
        raise InvalidInput(
            f"pool.rest_under is {pool.rest_under}; give a share from 0 (never) to under 1.",
            field="pool.rest_under",
            value=pool.rest_under,
        )
    check_range("pool.rest_after_calls", pool.rest_after_calls, 1, 1_000_000)
    check_range("pool.rest_s", pool.rest_s, 60, 90 * 86400)


def _check_compliance(settings: CampaignSettings) -> None:
    check_count("frequency", settings.frequency)
    for cap in settings.frequency:
        check_range("frequency.calls", cap.calls, 1, 10_000)
        check_range("frequency.window_s", cap.window_s, 60, 366 * 86400)
    check_count("legal", settings.legal)
    if settings.opt_out_key is not None and settings.opt_out_key not in _KEYS:
        raise InvalidInput(
            f"opt_out_key is {shorten(settings.opt_out_key)}; give one key: 0 to 9, * or #.",
            field="opt_out_key",
            value=settings.opt_out_key,
        )
    check_count("dnc_lists", settings.dnc_lists)
    for name in settings.dnc_lists:
        check_text("dnc_lists", name, 64)
    for field, text in (
        ("dnc_exemption", settings.dnc_exemption or "-"),
        ("consent_scope", settings.consent_scope or "-"),
        ("filter", settings.filter or "-"),
    ):
        check_text(field, text, 200)


def check_locked(campaign: Campaign, settings: CampaignSettings) -> None:
    """Make sure that a change leaves alone what is locked after the first run.

    Raises:
        Conflict: it changes the name, what people hear, or how numbers are read.
    """
    if campaign.started_at is None:
        return
    changed = [
        field
        for field in ("name", "prompt", "default_region")
        if getattr(settings, field) != getattr(campaign.settings, field)
    ]
    if changed:
        raise Conflict(
            "Campaign name, bot, and contacts are locked after the first run. You can rotate "
            "outbound numbers and adjust dialler config before pressing Start. "
            f"Locked here: {', '.join(changed)}. Use Clone for a fresh draft.",
            fields=changed,
        )


def is_switched_off(settings: Settings, campaign: Campaign) -> bool:
    """Tell whether a deployment lets no campaign of this one's mode dial."""
    return not settings.campaigns or campaign.settings.mode not in settings.modes


def missing_to_start(
    campaign: Campaign,
    rules: RuleSet,
    settings: Settings,
    *,
    contacts: int,
    agents: int,
    numbers: Sequence[OutboundNumber],
    lists: Sequence[DncList],
    now: datetime,
) -> dict[str, str]:
    """Return all that a campaign lacks to start, ``{field: what is missing, in words}``.

    Args:
        campaign: the campaign.
        rules: its rules.
        settings: what the deployment allows.
        contacts: how many contacts wait to be called.
        agents: how many active agents may work for it.
        numbers: the deployment's outbound numbers.
        lists: the imported do-not-call lists.
        now: when it is to start.
    """
    own = campaign.settings
    missing: dict[str, str] = {}
    if is_switched_off(settings, campaign):
        missing["mode"] = f"this deployment has {own.mode.value} campaigns switched off"
    if not contacts and own.mode is not CampaignMode.ALWAYS_ON:
        missing["contacts"] = "it has no contacts"
    if own.agents.attended:
        missing |= missing_agents(own.agents, agents)
    elif own.prompt is None:
        missing["prompt"] = "it has no prompt to play to the people who answer"
    begins = max(now, own.starts_at) if own.starts_at else now
    verdict = rules.campaign_verdict(begins)
    if not verdict.open and verdict.until is None:
        missing["window"] = "its hours never open: allow a weekday, or take exclusions away"
    if own.ends_at is not None and own.ends_at <= begins:
        missing["ends_at"] = "its end date is over"
    elif own.ends_at and verdict.until and not verdict.open and verdict.until >= own.ends_at:
        missing["window"] = "its hours do not open before its end date"
    known = {number.phone: number for number in numbers}
    unknown = [phone for phone in own.pool.numbers if phone not in known]
    if unknown:
        missing["pool.numbers"] = (
            f"its pool has numbers that callcamp does not know: {', '.join(unknown)}; add them "
            "with `callcamp number set`"
        )
    elif own.pool.numbers and not any(known[phone].active for phone in own.pool.numbers):
        missing["pool.numbers"] = "none of its outbound numbers is active"
    if lists_verdict(rules.rules, own, [(e.name, e.as_of) for e in lists], now) is not None:
        missing["dnc_lists"] = _lists_wanted(own, {one.name for one in lists})
    return {**missing_for_start(rules.rules, own), **missing}


def _lists_wanted(settings: CampaignSettings, known: Collection[str]) -> str:
    if not settings.dnc_lists:
        return (
            "a legal preset needs a do-not-call list: name in dnc_lists one that `callcamp dnc "
            "lists` shows, or say in dnc_exemption why none is needed"
        )
    unknown = [name for name in settings.dnc_lists if name not in known]
    if unknown:
        return (
            f"it has to check do-not-call lists that are not there: {', '.join(unknown)}; import "
            "them with `callcamp dnc import`, or take them out of dnc_lists"
        )
    return (
        f"a do-not-call list that it has to check is too old, of {', '.join(settings.dnc_lists)}; "
        "import a fresh copy, or say in dnc_exemption why none is needed"
    )


def _check_description(value: str) -> None:
    wrong = ""
    if len(value) > MAX_DESCRIPTION:
        wrong = f"longer than {MAX_DESCRIPTION} characters"
    elif any(c == "\0" or unicodedata.category(c) == "Cs" for c in value):
        wrong = f"{shorten(value)}, with a NUL or half of a character"
    if wrong:
        raise InvalidInput(f"The description is {wrong}.", field="description", value=value)
