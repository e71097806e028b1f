"""From a tracked attempt to the change that is committed: disposition, retry, contact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from callcamp.core.agent_settings import DialMethod
from callcamp.core.agents import agent_of_member
from callcamp.core.campaign_settings import CampaignSettings
from callcamp.core.changes import AttemptChange, ContactChange, NewSuppression
from callcamp.core.ended_call import EndedCall
from callcamp.core.model import Campaign
from callcamp.core.outcome import Disposition, Evidence, classify
from callcamp.core.policies import Scope
from callcamp.core.reasons import Reason
from callcamp.core.retry import ContactDecision, decide_contact
from callcamp.core.rules import judge_success
from callcamp.core.ruleset import RuleSet
from callcamp.core.states import AttemptEvent, AttemptStatus, CampaignStatus, ContactEvent
from callcamp.engine.noted import put_together
from callcamp.engine.registry import Track
from callcamp.ports import CustomOutcome

SWITCH_RESTARTED = "switch_restarted"
END_NOT_SEEN = "end_not_seen"
UNSENDABLE = "unsendable"
NO_CHANNEL_PAUSE_S = 30.0
"""How long a contact waits after an order that Asterisk took and then made no channel for."""


def final_evidence(track: Track) -> Evidence:
    """Return the evidence with what only the order of events tells."""
    seen = track.evidence
    ended_at = track.hung_up_at
    answered = bool(seen.answered) or track.answered_at is not None
    rang = seen.rang
    if track.rang_at is not None:
        rang = True
    elif rang is None and track.watched and track.seen:
        rang = False
    picked_up = track.answered_at or ended_at
    return Evidence(
        ring_s=_seconds(track.sent_at, picked_up),
        talk_s=_seconds(track.answered_at, ended_at),
    ).merged(seen.merged(Evidence(answered=answered, rang=rang)))


def end_as_written(track: Track, evidence: Evidence, now: datetime) -> datetime:
    """Return when a call ended that only the hangup handler saw end.

    Its clock is Asterisk's, so what it says is held between the dialling and now.
    """
    if evidence.ended_epoch_s is None:
        return now
    try:
        written = datetime.fromtimestamp(evidence.ended_epoch_s, UTC)
    except (ValueError, OverflowError, OSError):
        return now
    return min(now, max(written, track.sent_at or written))


def met_as_written(evidence: Evidence, ended_at: datetime) -> datetime | None:
    """Return when a contact met an agent in a talk that only the hangup handler saw.

    None: it met none. With machine detection it is too early by the time that took.
    """
    talk_s, waited_s = evidence.talk_s, evidence.waited_s
    if evidence.abandoned or talk_s is None or waited_s is None:
        return None
    if agent_of_member(evidence.agent or "") is None:
        return None
    return ended_at - timedelta(seconds=max(0.0, talk_s - waited_s))


def judge(track: Track, evidence: Evidence) -> Disposition:
    """Return how the attempt ended."""
    if evidence.detail == SWITCH_RESTARTED and track.connected_at is not None:
        # The talk was cut, but the person was reached: only the agent knows whether to call again.
        return Disposition.ANSWERED_PERSON
    if evidence.detail in {SWITCH_RESTARTED, UNSENDABLE}:
        return Disposition.FAILED
    if evidence.detail == END_NOT_SEEN:
        return Disposition.UNKNOWN if evidence.answered else Disposition.FAILED
    return classify(evidence, ring_timeout_s=track.ring_timeout_s)


def as_change(
    track: Track,
    steps: tuple[AttemptEvent, ...],
    campaign: Campaign,
    rules: RuleSet | None,
    now: datetime,
    *,
    outcomes: Mapping[str, CustomOutcome] | None = None,
) -> AttemptChange:
    """Return what is committed for ``steps`` of an attempt of ``campaign``.

    Args:
        track: the attempt.
        steps: what it went through since the last commit.
        campaign: its campaign.
        rules: the campaign's rules (None: they cannot be made; nothing is called again at an
            instant that they would have to find open).
        now: the present instant.
        outcomes: the custom dispositions, by name; needed when an agent has noted one.
    """
    if AttemptEvent.NOT_PLACED in steps and track.status is AttemptStatus.RELEASED:
        due_at = track.check_at or now
        hold = (track.hold or Reason.ORDER_REFUSED) if due_at > now else None
        return AttemptChange(
            track.attempt_id,
            steps,
            now,
            contact=ContactChange(
                ContactEvent.RELEASED,
                due_at,
                hold,
                callback=track.person.callback,
                callback_agent_id=track.person.callback_agent_id,
            ),
        )
    if AttemptEvent.ENDED not in steps:
        return AttemptChange(
            track.attempt_id, steps, now, rang_at=track.rang_at, answered_at=track.answered_at
        )
    return _ended(track, steps, campaign, rules, now, outcomes=outcomes or {})


def _ended(
    track: Track,
    steps: tuple[AttemptEvent, ...],
    campaign: Campaign,
    rules: RuleSet | None,
    now: datetime,
    *,
    outcomes: Mapping[str, CustomOutcome],
) -> AttemptChange:
    evidence, person = final_evidence(track), track.person
    noted = put_together(track.notes.values(), outcomes)
    call = EndedCall(
        judge(track, evidence),
        evidence,
        track.hung_up_at or now,
        attempt_ordinal=track.ordinal,
        round_ordinal=track.round_ordinal,
        outcome=noted.outcome,
        refused=noted.refused,
        opted_out=noted.opted_out,
        callback_at=noted.callback_at,
        contact_variables=person.variables,
        call_variables=noted.variables,
        numbers=max(1, len(person.numbers)),
        number_index=person.number_index,
    )
    verdict = judge_success(campaign.settings.success, call.facts())
    call = replace(call, success=verdict.success)
    decision = decide_contact(
        _with_callback(campaign.settings),
        call,
        now=now,
        campaign_over=campaign.status in {CampaignStatus.CANCELED, CampaignStatus.COMPLETED},
        source_allows=True,
        next_open=None if rules is None else partial(rules.next_open, person.place),
    )
    contact = decision.change
    if evidence.detail == UNSENDABLE:
        contact = ContactChange(ContactEvent.GAVE_UP)
    if contact is not None and contact.callback:
        contact = replace(contact, callback_agent_id=noted.callback_agent_id)
    return AttemptChange(
        track.attempt_id,
        steps,
        call.ended_at,
        rang_at=track.rang_at,
        answered_at=track.answered_at,
        connected_at=track.connected_at or met_as_written(evidence, call.ended_at),
        agent_id=track.agent_id or agent_of_member(evidence.agent or ""),
        disposition=call.disposition,
        evidence=evidence,
        contact=contact,
        outcome=noted.outcome,
        success=verdict.success,
        decided_by=verdict.decided_by,
        rule=decision.rule,
        refused=noted.refused or bool(decision.suppress),
        variables={**noted.variables, **decision.call_variables},
        suppress=suppressions(
            decision,
            campaign,
            person.numbers or (track.number,),
            "agent" if noted.outcome is not None else "keypad or rule",
        ),
        note_ids=noted.ids,
    )


def _with_callback(settings: CampaignSettings) -> CampaignSettings:
    """Return settings by which somebody for whom no agent was free is called again as stated."""
    agents, retry, abandoned = settings.agents, settings.retry, Disposition.ABANDONED
    if agents.method is not DialMethod.CLIENT_FIRST:
        return settings
    if agents.callback_after_s == 0:
        return replace(settings, retry=replace(retry, retry_on=retry.retry_on - {abandoned}))
    return replace(
        settings,
        retry=replace(
            retry,
            retry_on=retry.retry_on | {abandoned},
            delays_s={**retry.delays_s, abandoned: agents.callback_after_s},
        ),
    )


def suppressions(
    decision: ContactDecision, campaign: Campaign, numbers: Iterable[str], source: str
) -> tuple[NewSuppression, ...]:
    """Return the numbers that a decision wants never to be called again.

    A person who opts out does so with all their numbers.
    """
    return tuple(
        NewSuppression(
            number,
            decision.forbidden or decision.rule,
            source,
            campaign.id if scope is Scope.CAMPAIGN else None,
        )
        for scope in decision.suppress
        for number in numbers
    )


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    if start is None or end is None:
        return None
    return max(0.0, round((end - start).total_seconds(), 3))
