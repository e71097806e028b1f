"""Starting points for a campaign's settings, and the limits that go with them.

There is one engine and one kind of campaign. What people know as different products differs in
settings only, so each is a starting point here: how a callbot campaign, a telephone campaign
with agents, a campaign of an AI employee and a dialler usually begin. Limits are data as well:
:func:`dataclasses.replace` widens them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import time
from enum import StrEnum

from callcamp.core.agent_settings import DialMethod
from callcamp.core.campaign_settings import CampaignMode, CampaignSettings, DailyWindow, RetryPolicy
from callcamp.core.outcome import Disposition
from callcamp.errors import InvalidInput, LimitExceeded

_D = Disposition
OUTCOME_WORDS: dict[str, frozenset[Disposition]] = {
    "rnr": frozenset({_D.NO_ANSWER}),
    "ring_no_reply": frozenset({_D.NO_ANSWER}),
    "error": frozenset({_D.FAILED, _D.CONGESTION}),
}
"""Other systems' words for what they redial after (``rnr``: ring, no reply), where they have no
disposition of that name; a disposition means itself."""

_NOT_REACHED = frozenset(
    {_D.NO_ANSWER, _D.UNAVAILABLE, _D.BUSY, _D.FAILED, _D.CONGESTION, _D.TIMEOUT}
)


class Kind(StrEnum):
    """What a campaign begins as.

    ``callbot``: a bot talks, until the success rules are met; contacts come at any time.
    ``telephone``: agents talk (with a preview unless said otherwise), and rules of its own say who
    is called again.
    ``ai-campaign``: a list is worked through, and who was not reached is tried again.
    ``dialler``: a list, one day, no redials unless ticked.
    """

    CALLBOT = "callbot"
    TELEPHONE = "telephone"
    AI_CAMPAIGN = "ai-campaign"
    DIALLER = "dialler"


@dataclass(frozen=True, slots=True)
class Range:
    """From the least to the most that may be given."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be set in a campaign.

    Args:
        concurrency: calls at the same time.
        max_attempts: calls to one contact.
        delay_s: seconds between two of them.
    """

    concurrency: Range = Range(1, 10_000)
    max_attempts: Range = Range(1, 100)
    delay_s: Range = Range(0, 90 * 86400)

    def check(self, settings: CampaignSettings) -> None:
        """Check settings.

        Raises:
            LimitExceeded: naming the first that is out of its range.
        """
        given = {
            "concurrency": settings.concurrency,
            "max_attempts": settings.retry.max_attempts,
            "delay_s": settings.retry.delay_s,
        }
        for field in fields(self):
            value, allowed = given[field.name], getattr(self, field.name)
            if not allowed.least <= value <= allowed.most:
                raise LimitExceeded(
                    f"{field.name} is {value}; give {allowed.least} to {allowed.most}, or have "
                    "an administrator widen it in the setting `limits`.",
                    field=field.name,
                    value=value,
                    limit=allowed.most if value > allowed.most else allowed.least,
                )


_LIMITS: dict[Kind, Limits] = {
    Kind.CALLBOT: Limits(Range(1, 50), Range(1, 4), Range(0, 24 * 3600)),
    Kind.TELEPHONE: Limits(),
    Kind.AI_CAMPAIGN: Limits(),
    Kind.DIALLER: Limits(delay_s=Range(60, 90 * 86400)),
}


def limits_of(
    kind: Kind | str, widened: Mapping[str, Mapping[str, tuple[int, int]]] | None = None
) -> Limits:
    """Return the limits that go with a starting point.

    Args:
        kind: the starting point.
        widened: what an administrator allows instead, ``{kind: {field: (least, most)}}``.

    Raises:
        InvalidInput: there is no such starting point, or no such limit.
    """
    own = _kind(kind)
    limits = _LIMITS[own]
    for field, (least, most) in (widened or {}).get(own.value, {}).items():
        if field not in {f.name for f in fields(Limits)}:
            raise InvalidInput(
                f"There is no limit {field!r}; there are "
                f"{', '.join(f.name for f in fields(Limits))}.",
                field="limits",
                value=field,
            )
        limits = replace(limits, **{field: Range(least, most)})
    return limits


def campaign_like(kind: Kind | str, base: CampaignSettings) -> CampaignSettings:
    """Return settings to begin with.

    Name, trunk, time zone, numbers, sounds, legal presets and all else that no starting point
    has a word on are those of ``base``.

    Args:
        kind: which starting point.
        base: the settings that are there already.

    Raises:
        InvalidInput: there is no such starting point.
    """
    kind = _kind(kind)
    retry = RetryPolicy(retry_on=frozenset())
    if kind is Kind.DIALLER:
        return replace(
            base,
            concurrency=50,
            mode=CampaignMode.SINGLE_DAY,
            window=_hours(base, frozenset(range(7))),
            retry=replace(retry, max_attempts=3, delay_s=1800),
            callbacks=False,
            sticky_exclusion=False,
        )
    if kind is Kind.CALLBOT:
        limits = _LIMITS[kind]
        return replace(
            base,
            concurrency=min(base.concurrency, limits.concurrency.most),
            mode=CampaignMode.ALWAYS_ON,
            window=replace(base.window, weekdays=base.window.weekdays - {6}),
            retry=replace(
                retry,
                max_attempts=min(base.retry.max_attempts, limits.max_attempts.most),
                delay_s=min(base.retry.delay_s, limits.delay_s.most),
                until_success=True,
            ),
        )
    if kind is Kind.AI_CAMPAIGN:
        retry = replace(retry, retry_on=_NOT_REACHED)
    agents = base.agents
    if kind is Kind.TELEPHONE and not agents.attended:
        agents = replace(agents, method=DialMethod.PREVIEW)
    return replace(
        base,
        agents=agents,
        mode=CampaignMode.MULTI_DAY,
        retry=replace(retry, max_attempts=base.retry.max_attempts, delay_s=base.retry.delay_s),
    )


def dispositions_named(words: Iterable[str]) -> frozenset[Disposition]:
    """Return the dispositions that are meant by their own names or by :data:`OUTCOME_WORDS`.

    Raises:
        InvalidInput: one is neither.
    """
    found: set[Disposition] = set()
    for word in words:
        plain = word.strip().casefold()
        if plain in OUTCOME_WORDS:
            found |= OUTCOME_WORDS[plain]
        elif plain in set(Disposition):
            found.add(Disposition(plain))
        else:
            known = ", ".join(dict.fromkeys((*OUTCOME_WORDS, *Disposition)))
            raise InvalidInput(
                f"There is no outcome {word!r}; give some of {known}.", field="retry_on", value=word
            )
    return frozenset(found)


def _kind(kind: Kind | str) -> Kind:
    try:
        return Kind(kind)
    except ValueError:
        raise InvalidInput(
            f"There is no starting point {kind!r}; give one of {', '.join(Kind)}.",
            field="kind",
            value=str(kind),
        ) from None


def _hours(base: CampaignSettings, weekdays: frozenset[int]) -> DailyWindow:
    return DailyWindow(time(9), time(18), base.window.zone, weekdays)
