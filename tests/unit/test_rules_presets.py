"""Starting points for settings, and their limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import time

import pytest

from callcamp.core.agent_settings import AgentSettings, DialMethod
from callcamp.core.campaign_settings import CampaignMode, CampaignSettings, DailyWindow, RetryPolicy
from callcamp.core.outcome import Disposition
from callcamp.core.presets import (
    OUTCOME_WORDS,
    Kind,
    Limits,
    Range,
    campaign_like,
    dispositions_named,
    limits_of,
)
from callcamp.core.rules import retry_rules
from callcamp.errors import InvalidInput, LimitExceeded

D = Disposition
BASE = CampaignSettings(
    "name",
    3,
    concurrency=80,
    retry=RetryPolicy(7, 2 * 86400, growth=3, until_success=True),
    window=DailyWindow(time(8), time(20), "Europe/Paris", frozenset(range(7))),
    callbacks=True,
    sticky_exclusion=True,
    legal=("fr",),
)


@pytest.mark.parametrize("kind", Kind)
def test_a_starting_point_is_within_its_own_limits_and_keeps_the_rest(kind: Kind) -> None:
    made = campaign_like(kind.value, BASE)
    limits_of(kind).check(made)
    assert (made.name, made.trunk_id, made.legal) == ("name", 3, ("fr",))
    assert made.window.zone == "Europe/Paris"
    assert campaign_like(kind, made) == made


def test_a_dialler_begins_as_its_wizard_says() -> None:
    made = campaign_like("dialler", BASE)
    assert (made.concurrency, made.mode) == (50, CampaignMode.SINGLE_DAY)
    assert made.window == DailyWindow(time(9), time(18), "Europe/Paris", frozenset(range(7)))
    assert made.retry == RetryPolicy(3, 1800, frozenset())
    assert not made.callbacks
    assert not made.sticky_exclusion
    assert [rule.name for rule in retry_rules(made.retry)][-1] == "otherwise"


def test_a_callbot_campaign_calls_until_success_within_its_limits() -> None:
    made = campaign_like("callbot", BASE)
    assert (made.concurrency, made.retry.max_attempts, made.retry.delay_s) == (50, 4, 86400)
    assert made.retry.until_success
    assert made.mode is CampaignMode.ALWAYS_ON
    assert 6 not in made.window.weekdays
    small = campaign_like("callbot", replace(BASE, concurrency=5, retry=RetryPolicy(2, 60)))
    assert (small.concurrency, small.retry.max_attempts, small.retry.delay_s) == (5, 2, 60)


def test_the_other_two() -> None:
    telephone, ai = campaign_like("telephone", BASE), campaign_like("ai-campaign", BASE)
    assert telephone.retry == RetryPolicy(7, 2 * 86400, frozenset())
    assert {D.NO_ANSWER, D.BUSY, D.FAILED} <= ai.retry.retry_on
    assert D.VOICEMAIL not in ai.retry.retry_on
    assert telephone.mode is ai.mode is CampaignMode.MULTI_DAY
    assert telephone.agents.method is DialMethod.PREVIEW
    assert ai.agents.method is DialMethod.UNATTENDED
    predictive = replace(BASE, agents=AgentSettings(DialMethod.PREDICTIVE))
    assert campaign_like("telephone", predictive).agents == predictive.agents


@pytest.mark.parametrize(
    ("change", "field", "limit"),
    [
        ({"concurrency": 51}, "concurrency", 50),
        ({"retry": RetryPolicy(5)}, "max_attempts", 4),
        ({"retry": RetryPolicy(4, 86401)}, "delay_s", 86400),
    ],
)
def test_limits_are_kept_and_can_be_widened(
    change: dict[str, object], field: str, limit: int
) -> None:
    settings = replace(campaign_like("callbot", BASE), **change)  # type: ignore[arg-type]
    with pytest.raises(LimitExceeded, match=field) as refused:
        limits_of("callbot").check(settings)
    assert refused.value.details["limit"] == limit
    Limits().check(settings)
    replace(limits_of("callbot"), **{field: Range(0, 10**6)}).check(settings)


def test_below_a_limit_the_lower_one_is_named() -> None:
    settings = replace(campaign_like("dialler", BASE), retry=RetryPolicy(3, 59))
    with pytest.raises(LimitExceeded) as refused:
        limits_of("dialler").check(settings)
    assert refused.value.details["limit"] == 60


def test_words_of_other_systems() -> None:
    assert dispositions_named(["RNR", " busy "]) == {D.NO_ANSWER, D.BUSY}
    assert dispositions_named(["error", "timeout"]) == {D.FAILED, D.CONGESTION, D.TIMEOUT}
    assert not set(OUTCOME_WORDS) & set(Disposition)
    with pytest.raises(InvalidInput, match="bussy"):
        dispositions_named(["bussy"])


def test_unknown_starting_points_are_refused() -> None:
    with pytest.raises(InvalidInput, match="telephone"):
        campaign_like("predictive", BASE)
    with pytest.raises(InvalidInput, match="dialler"):
        limits_of("x")
