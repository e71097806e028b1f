"""From evidence to disposition: the measured table, and whatever else may come."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcamp.core.outcome import (
    MEANING,
    Disposition,
    Evidence,
    classify,
    format_evidence,
    parse_evidence,
)

D = Disposition

# (OriginateResponse reason, cause, SIP code, rang) as Asterisk 22 showed them -> disposition
MEASURED = [
    ((0, 17, 486, False), D.BUSY),
    ((0, 17, 600, False), D.BUSY),
    ((0, 21, 603, False), D.REJECTED),
    ((0, 21, 403, False), D.REJECTED),
    ((0, 1, 404, False), D.INVALID_NUMBER),
    ((0, 1, 404, True), D.INVALID_NUMBER),
    ((0, 19, 480, False), D.UNAVAILABLE),
    ((0, 34, 503, False), D.CONGESTION),
    ((0, 28, 484, False), D.INVALID_NUMBER),
    ((0, 58, 488, False), D.FAILED),
    ((0, 38, 500, False), D.FAILED),
    ((0, 127, 607, False), D.REJECTED),
    ((0, 18, 408, False), D.TIMEOUT),
    ((3, 19, 480, True), D.NO_ANSWER),
    ((3, 19, 480, None), D.NO_ANSWER),
    ((3, 19, 480, False), D.TIMEOUT),
]


@pytest.mark.parametrize(("seen", "expected"), MEASURED)
def test_the_measured_pairs(seen: tuple[int, int, int, bool | None], expected: Disposition) -> None:
    reason, cause, sip_code, rang = seen
    evidence = Evidence(cause=cause, sip_code=sip_code, originate_reason=reason, rang=rang)
    assert classify(evidence, ring_timeout_s=30) is expected


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (Evidence(answered=True, cause=0), D.HUNG_UP),
        (Evidence(answered=True, cause=16, talk_s=0.4), D.HUNG_UP),
        (Evidence(answered=True, cause=16, talk_s=12), D.ANSWERED_PERSON),
        (Evidence(answered=True, cause=0, talk_s=0.2, amd_status="HANGUP"), D.HUNG_UP),
        (Evidence(answered=True, cause=16, talk_s=9, amd_status="HANGUP"), D.HUNG_UP),
        (Evidence(answered=True, cause=16, talk_s=9, amd_status="HUMAN"), D.ANSWERED_PERSON),
        (Evidence(answered=True, cause=16, amd_status="NOTSURE"), D.ANSWERED_PERSON),
        (Evidence(answered=True, cause=16, amd_status="MACHINE"), D.VOICEMAIL),
        (Evidence(answered=True, amd_status="MACHINE", played="message"), D.VOICEMAIL),
        (Evidence(answered=True, talk_s=0.5, played="prompt"), D.ANSWERED_PERSON),
    ],
)
def test_answered_calls(evidence: Evidence, expected: Disposition) -> None:
    assert classify(evidence, ring_timeout_s=30) is expected


def test_a_result_from_the_outbox_tells_our_time_out_by_the_time_it_rang() -> None:
    late = Evidence(cause=19, sip_code=480, rang=True, ring_s=29.4, answered=False)
    early = Evidence(cause=19, sip_code=480, rang=True, ring_s=29.0, answered=False)
    assert classify(late, ring_timeout_s=30) is D.NO_ANSWER
    assert classify(early, ring_timeout_s=30) is D.UNAVAILABLE


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (Evidence(cause=127, sip_code=180, rang=True), D.NO_ANSWER),
        (Evidence(cause=0, sip_code=183, rang=True), D.NO_ANSWER),
        (Evidence(cause=0, sip_code=100, rang=False), D.TIMEOUT),
        (Evidence(cause=19, rang=False), D.TIMEOUT),
        (Evidence(cause=17, sip_code=486, rang=True), D.BUSY),
    ],
)
def test_a_last_sip_code_below_200_means_that_we_gave_up(
    evidence: Evidence, expected: Disposition
) -> None:
    assert classify(evidence, ring_timeout_s=30) is expected


def test_causes_speak_when_there_is_no_sip_code_and_dial_status_when_there_is_no_cause() -> None:
    assert classify(Evidence(cause=17), ring_timeout_s=30) is D.BUSY
    assert classify(Evidence(cause=19), ring_timeout_s=30) is D.NO_ANSWER
    assert classify(Evidence(cause=17, sip_code=299), ring_timeout_s=30) is D.BUSY
    assert classify(Evidence(cause=0, dial_status="BUSY"), ring_timeout_s=30) is D.BUSY
    assert classify(Evidence(dial_status="NOANSWER"), ring_timeout_s=30) is D.NO_ANSWER
    assert classify(Evidence(), ring_timeout_s=30) is D.FAILED


def test_every_sip_code_and_every_cause_has_a_disposition_that_was_not_answered() -> None:
    for sip_code, cause in product((None, *range(300, 700)), (None, *range(128))):
        found = classify(Evidence(sip_code=sip_code, cause=cause), ring_timeout_s=30)
        assert not MEANING[found].answered
        assert found not in {D.UNKNOWN, D.ABANDONED}


def test_every_disposition_has_a_meaning() -> None:
    assert set(MEANING) == set(Disposition)
    assert not MEANING[D.UNKNOWN].retryable
    assert not MEANING[D.INVALID_NUMBER].retryable


maybe = st.none()
evidences = st.builds(
    Evidence,
    cause=maybe | st.integers(0, 127),
    sip_code=maybe | st.integers(100, 699),
    dial_status=maybe | st.sampled_from(["BUSY", "NOANSWER", "CANCEL", "odd"]),
    originate_reason=maybe | st.integers(0, 8),
    answered=maybe | st.booleans(),
    rang=maybe | st.booleans(),
    amd_status=maybe | st.sampled_from(["HUMAN", "MACHINE", "NOTSURE", "HANGUP", "odd"]),
    played=maybe | st.sampled_from(["prompt", "message"]),
    ring_s=maybe | st.floats(0, 400),
    talk_s=maybe | st.floats(0, 400),
)


@given(evidences, st.integers(5, 300))
def test_any_evidence_has_a_disposition_that_agrees_with_whether_it_was_answered(
    evidence: Evidence, ring_timeout_s: int
) -> None:
    found = classify(evidence, ring_timeout_s=ring_timeout_s)
    assert MEANING[found].answered is bool(evidence.answered)


@given(evidences, evidences)
def test_a_union_of_evidence_loses_nothing(one: Evidence, other: Evidence) -> None:
    union = one.merged(other)
    assert union.as_dict() == {**one.as_dict(), **other.as_dict()}
    assert one.merged(Evidence()) == one == Evidence().merged(one)


def test_the_line_of_the_hangup_handler() -> None:
    line = (
        "v=1&cause=16&tech=&answered=1&amd=HUMAN&amdcause=HUMAN-1200-800&played=prompt&dtmf=5"
        "&start=100.0&answer=103.5&end=110.25&state=Up"
    )
    assert parse_evidence(line) == Evidence(
        cause=16,
        answered=True,
        amd_status="HUMAN",
        amd_cause="HUMAN-1200-800",
        played="prompt",
        dtmf="5",
        ring_s=3.5,
        talk_s=6.75,
        ended_epoch_s=110.25,
    )
    unanswered = parse_evidence("cause=17&tech=486&answered=0&ringing=1&start=5&end=7.5")
    assert unanswered == Evidence(
        cause=17, sip_code=486, answered=False, rang=True, ring_s=2.5, ended_epoch_s=7.5
    )


@given(
    st.text()
    | st.builds(
        format_evidence,
        st.dictionaries(
            st.sampled_from(["cause", "tech", "answered", "played", "start", "answer", "end"]),
            st.text() | st.sampled_from(["nan", "inf", "-inf", "1e999", "-5", "16", "1.5"]),
        ),
    )
)
def test_an_unreadable_line_is_no_error(line: str) -> None:
    evidence = parse_evidence(line)
    assert evidence.ring_s is None or evidence.ring_s >= 0
    assert evidence.talk_s is None or evidence.talk_s >= 0
    classify(evidence, ring_timeout_s=30)
