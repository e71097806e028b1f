"""The compliance report: promised, measured, kept or broken."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from compliance_kit import DAY, SETTINGS, T0, preset, settings_with, week

from callcamp.core.compliance_report import NOTICE, Facts, compliance_report
from callcamp.core.legal import AbandonRule, AbandonWindow, CallCap, CoolOff, CoolOffAfter
from callcamp.ports.records import CallFacts


def facts(
    by_day: dict[str, tuple[int, int]] | None = None,
    most: int = 1,
    ring_s: float | None = None,
) -> Facts:
    """Facts with (answered by an agent, abandoned) by day."""
    days = {
        day: {"answered_person": taken, "abandoned": lost, "busy": 7}
        for day, (taken, lost) in (by_day or {}).items()
    }
    taken = sum(d["answered_person"] for d in days.values())
    lost = sum(d["abandoned"] for d in days.values())
    return CallFacts(taken + lost + 70, taken + lost + 5, taken + lost, lost, days, most, ring_s)


def report(counted: Facts, days: float = 60, **numbers: Any) -> dict[str, Any]:
    law = preset("law", "US", **numbers)
    return compliance_report([law], SETTINGS, counted, since=T0, until=T0 + timedelta(days=days))


def rule(found: dict[str, Any], kind: str) -> dict[str, Any]:
    (entry,) = [entry for entry in found["rules"] if entry["rule"] == kind]
    return entry


MONTHS = {"2026-10-30": (50, 0), "2026-10-31": (50, 3), "2026-11-01": (97, 3), "2026-12-01": (9, 1)}


@pytest.mark.parametrize(
    ("law", "measured", "verdict"),
    [
        (
            AbandonRule(0.05, AbandonWindow.CALENDAR_DAY),
            ("2026-12-01", "2026-12-01", 10, 1),
            "broken",
        ),
        (
            AbandonRule(0.1, AbandonWindow.CALENDAR_DAY),
            ("2026-12-01", "2026-12-01", 10, 1),
            "kept",
        ),
        (
            AbandonRule(0.03, AbandonWindow.CALENDAR_MONTH),
            ("2026-12-01", "2026-12-01", 10, 1),
            "broken",
        ),
        (AbandonRule(0.03, days=2), ("2026-11-30", "2026-12-01", 10, 1), "broken"),
        (AbandonRule(0.04, days=31), ("2026-11-01", "2026-12-01", 110, 4), "kept"),
        (AbandonRule(0.03, days=60), ("2026-10-03", "2026-12-01", 213, 7), "broken"),
    ],
)
def test_the_worst_window_is_found(
    law: AbandonRule, measured: tuple[str, str, int, int], verdict: str
) -> None:
    found = rule(report(facts(MONTHS), abandon=law), "abandon_cap")
    assert found["measured"] == {
        "first_day": measured[0],
        "last_day": measured[1],
        "answered_by_person": measured[2],
        "abandoned": measured[3],
        "share": round(measured[3] / measured[2], 6),
    }
    assert found["verdict"] == verdict


def test_exactly_the_cap_is_kept_and_nobody_answered_is_kept() -> None:
    law = AbandonRule(0.03, AbandonWindow.CALENDAR_DAY)
    exact = report(facts({"2026-11-03": (97, 3)}), abandon=law)
    assert rule(exact, "abandon_cap")["verdict"] == "kept"
    assert exact["broken"] == 0
    over = report(facts({"2026-11-03": (96, 3)}), abandon=law)
    assert rule(over, "abandon_cap")["verdict"] == "broken"
    assert over["broken"] == 1
    nobody = rule(report(facts({"2026-11-03": (0, 0)}), abandon=law), "abandon_cap")
    assert (nobody["verdict"], nobody["measured"]) == ("kept", None)
    none_abandoned = rule(report(facts({"2026-11-03": (5, 0)}), abandon=law), "abandon_cap")
    assert none_abandoned["measured"]["share"] == 0


@pytest.mark.parametrize(
    ("cap", "most", "days", "verdict"),
    [
        (CallCap(4, 30 * DAY), 4, 60, "kept"),
        (CallCap(4, 30 * DAY), 5, 30, "broken"),
        (CallCap(4, 30 * DAY), 5, 31, "not_measured"),
        (CallCap(4, 30 * DAY, answered_only=True), 5, 30, "not_measured"),
        (CallCap(4, 30 * DAY, answered_only=True), 4, 30, "kept"),
    ],
)
def test_caps_are_judged_as_far_as_the_counts_tell(
    cap: CallCap, most: int, days: float, verdict: str
) -> None:
    found = rule(report(facts(most=most), days, caps=(cap,)), "frequency_cap")
    assert found["verdict"] == verdict
    assert found["measured"] == {"most_calls_to_one_number": most}


@pytest.mark.parametrize(
    ("ring_s", "verdict"), [(None, "not_measured"), (15.0, "kept"), (14.9, "broken")]
)
def test_ring_time(ring_s: float | None, verdict: str) -> None:
    found = rule(report(facts(ring_s=ring_s), min_ring_s=15), "min_ring")
    assert found["verdict"] == verdict


def test_the_report_says_what_it_is_and_what_it_rests_on() -> None:
    law = preset(
        "law",
        "US",
        hours=week(8, 21),
        caps=(CallCap(3, DAY),),
        cool_offs=(CoolOff(CoolOffAfter.ABANDONED, 72 * 3600), CoolOff(CoolOffAfter.MACHINE, 90)),
        abandon=AbandonRule(0.03),
        min_ring_s=15,
        opt_out_needed=True,
        dnc_max_age_days=31,
        consent_needed=True,
        caller_id_needed=True,
        mobile_caller_id=False,
        records_kept_days=1827,
        notes=("a note",),
    )
    own = settings_with(frequency=(CallCap(1, 3600), CallCap(3, DAY)))
    counted = facts({"2026-11-03": (97, 3)}, ring_s=20)
    found = compliance_report([law], own, counted, since=T0, until=T0 + timedelta(days=1))
    assert json.loads(json.dumps(found)) == found
    assert found["notice"] == NOTICE
    assert "no legal advice" in NOTICE
    assert found["presets"][0] == {
        "id": "law",
        "title": "law",
        "source": "a law",
        "checked_on": "2026-11-21",
        "verified": False,
        "notes": ["a note"],
    }
    assert (found["calls"], found["answered"]) == (170, 105)
    assert (found["answered_by_person"], found["abandoned"]) == (100, 3)
    assert (found["since"], found["until"]) == (
        "2026-11-02T12:00:00+00:00",
        "2026-11-03T12:00:00+00:00",
    )
    promised = [(entry["rule"], entry["promised"]) for entry in found["rules"]]
    assert promised == [
        (
            "abandon_cap",
            "at most 3 % of the calls answered by a person abandoned in any 30 days",
        ),
        ("frequency_cap", "at most 1 calls to a person in 1 hour"),
        ("frequency_cap", "at most 3 calls to a person in 1 day"),
        ("min_ring", "calls ring for at least 15 seconds before they are given up"),
        ("cool_off", "no call for 3 days after an abandoned call"),
        ("cool_off", "no call for 90 seconds after a call that a machine answered"),
        ("hours", "calls only in the hours of the called place"),
        ("dnc_age", "do-not-call lists at most 31 days old"),
        ("consent", "a consent on record before the call"),
        ("caller_id", "a caller ID is shown"),
        ("mobile_caller_id", "no mobile number is shown"),
        ("opt_out", "an opt-out is offered"),
        ("records", "records of calls kept for 1827 days"),
    ]


def test_without_presets_there_is_nothing_to_break() -> None:
    found = compliance_report([], SETTINGS, facts(), since=T0, until=T0)
    assert (found["rules"], found["broken"], found["presets"]) == ([], 0, [])
