"""What becomes of a contact when a call has ended, or when more is learnt of it later.

In this order:

1. :class:`Guard`: what forbids every further call, whatever rules say.
2. An agreed callback, when the campaign and the bot or agent that agreed it both make callbacks.
   It may be one call more than ``max_attempts``, never two.
3. The list of :func:`callcamp.core.rules.retry_rules`. Rules that set variables or exclude the
   number are carried out in any case, also when a guard or a callback decides.

A contact with several numbers is called on the next one whenever nobody picked up, or a machine
did; after its last number it goes back to the first. After a person it stays on the number. A
number that does not exist is left out from then on. Each call is an attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from callcamp.core.campaign_settings import CampaignSettings, RetryPolicy
from callcamp.core.changes import ContactChange
from callcamp.core.ended_call import EndedCall
from callcamp.core.facts import FACTS, VARIABLE_PREFIX
from callcamp.core.model import Contact
from callcamp.core.outcome import MEANING, Disposition
from callcamp.core.policies import ActionKind, Scope
from callcamp.core.reasons import Reason
from callcamp.core.rules import matches, retry_rules
from callcamp.core.states import ContactEvent, ContactStatus

CALLBACK_AHEAD_MOST_S = 90 * 86400
"""How far ahead a callback can be agreed, in seconds."""
CALLBACK_AGREED = "callback agreed"
"""Stands as the deciding rule when a callback was agreed and is made."""

NextOpen = Callable[[datetime], datetime | None]
"""Returns the first instant from the given one on at which the contact may be called; None:
there is none."""


class Guard(StrEnum):
    """What forbids a further call to a contact, whatever the rules say; in this order.

    It stands as the deciding rule when the list would have called again. Only
    ``attempts_used`` lets an agreed callback pass, once.
    """

    CAMPAIGN_OVER = "the campaign is over"
    OPTED_OUT = "the person opted out"
    REFUSED = "the person refused further calls"
    UNKNOWN_END = "the end of the call was never learnt"
    ATTEMPTS_USED = "all attempts are used"
    NO_SUCH_NUMBER = "the number does not exist"


@dataclass(frozen=True, slots=True)
class ContactDecision:
    """What becomes of a contact.

    Args:
        change: the step of the contact (None: it stays as it is).
        rule: the name of what decided: a rule of the list, a :class:`Guard`, or
            :data:`CALLBACK_AGREED`.
        contact_variables: variables that rules set on the contact; ``change`` has them too.
        call_variables: variables that rules set on the call.
        suppress: where the number called must not be called any more.
        forbidden: what forbids any further call, callbacks included: one of the first four of
            :class:`Guard`, or the rule that excluded the number.
        callback_refused: why an agreed callback is not made, in words.
    """

    change: ContactChange | None
    rule: str
    contact_variables: Mapping[str, str] = field(default_factory=dict)
    call_variables: Mapping[str, str] = field(default_factory=dict)
    suppress: tuple[Scope, ...] = ()
    forbidden: str | None = None
    callback_refused: str | None = None

    @property
    def again(self) -> bool:
        """Whether the contact is called again."""
        return self.change is not None and self.change.due_at is not None


@dataclass(slots=True)
class _Walk:
    """What came of asking the list of rules."""

    rule: str = ""
    again: bool = False
    delay_s: int | None = None
    suppressing: str | None = None
    contact_variables: dict[str, str] = field(default_factory=dict)
    call_variables: dict[str, str] = field(default_factory=dict)
    suppress: list[Scope] = field(default_factory=list)


def decide_contact(
    settings: CampaignSettings,
    call: EndedCall,
    *,
    now: datetime,
    campaign_over: bool = False,
    source_allows: bool = False,
    next_open: NextOpen | None = None,
) -> ContactDecision:
    """Decide what becomes of the contact of a call that has just ended.

    Args:
        settings: the campaign's.
        call: the call.
        now: the instant of the decision; nothing is due before it.
        campaign_over: whether the campaign was stopped or completed meanwhile.
        source_allows: whether the bot or agent that agreed a callback makes callbacks.
        next_open: when the contact may be called (None: at any time).
    """
    walk = _walk_rules(settings, call)
    scope = _opt_out_scope(settings, call)
    guard = _guard(call, campaign_over=campaign_over, opted_out=scope is not None)
    forbidden: str | None = guard or walk.suppressing
    refused = None
    if call.callback_at is not None:
        refused = forbidden or _callback_refused(
            settings, call, call.callback_at, now=now, source_allows=source_allows
        )
    if call.callback_at is not None and refused is None:
        rule, change = CALLBACK_AGREED, _called_at(call, call.callback_at, next_open)
    else:
        rule, change = _by_the_list(
            settings, call, walk, forbidden=forbidden, now=now, next_open=next_open
        )
    suppress = walk.suppress if scope is None else [scope, *walk.suppress]
    return ContactDecision(
        replace(change, variables=walk.contact_variables),
        str(rule),
        contact_variables=walk.contact_variables,
        call_variables=walk.call_variables,
        suppress=tuple(dict.fromkeys(suppress)),
        forbidden=None if forbidden is None else str(forbidden),
        callback_refused=None if refused is None else str(refused),
    )


def revise_contact(
    settings: CampaignSettings,
    call: EndedCall,
    contact: Contact,
    *,
    now: datetime,
    campaign_over: bool = False,
    source_allows: bool = False,
    next_open: NextOpen | None = None,
) -> ContactDecision:
    """Decide anew when an outcome, variables or a callback come after the call's end.

    A contact with a result is re-opened when it is to be called again; one that waits for its
    next call waits for the new instant, or is done. It stays as it is while it is being called,
    when it was called or re-opened since, when it is skipped or canceled, and, unless a guard
    forbids it, when it waits for a callback and no other one was agreed.

    Args:
        settings: the campaign's, as they are now.
        call: the call with all that is known now, the earlier parts included.
        contact: its contact, as it is now.
        now: the instant of the decision; nothing is due before it.
        campaign_over: whether the campaign was stopped or completed meanwhile.
        source_allows: whether the bot or agent that agreed a callback makes callbacks.
        next_open: when the contact may be called (None: at any time).
    """
    decision = decide_contact(
        settings,
        call,
        now=now,
        campaign_over=campaign_over,
        source_allows=source_allows,
        next_open=next_open,
    )
    since = contact.attempts > call.attempt_ordinal or contact.round_base >= call.attempt_ordinal
    return replace(decision, change=None if since else _revised(decision, contact))


def pause_s(policy: RetryPolicy, disposition: Disposition, round_ordinal: int) -> int:
    """Return the pause after a call, in whole seconds.

    It is the disposition's own or the policy's, grown once for every call of the round before
    this one; growth leads to ``delay_most_s`` at most.
    """
    first_s = policy.delays_s.get(disposition, policy.delay_s)
    grown = first_s * policy.growth ** max(0, round_ordinal - 1)
    return round(min(grown, max(first_s, policy.delay_most_s)))


def next_open_instant(at: datetime, next_open: NextOpen | None) -> datetime:
    """Return the first instant from ``at`` on at which the contact may be called.

    When there is none, it is ``at``: the contact then waits until hours change, or is canceled
    with its campaign.
    """
    return at if next_open is None else next_open(at) or at


def _walk_rules(settings: CampaignSettings, call: EndedCall) -> _Walk:
    walk = _Walk()
    facts = call.facts()
    for rule in retry_rules(settings.retry, settings.success):
        if not matches(rule.conditions, rule.match, facts):
            continue
        for action in rule.actions:
            if action.kind in {ActionKind.SET_CONTACT_VARIABLE, ActionKind.SET_CALL_VARIABLE}:
                of_contact = action.kind is ActionKind.SET_CONTACT_VARIABLE
                kept = walk.contact_variables if of_contact else walk.call_variables
                kept[action.name] = action.value
                facts[f"{VARIABLE_PREFIX}{action.name}"] = action.value
                if action.name not in FACTS:
                    facts[action.name] = action.value
            elif action.kind is ActionKind.SUPPRESS:
                walk.suppress.append(action.scope)
                walk.suppressing = walk.suppressing or rule.name
            else:
                walk.rule = rule.name
                walk.again = action.kind is ActionKind.CALL_AGAIN
                walk.delay_s = action.delay_s
        if walk.rule:
            break
    return walk


def _opt_out_scope(settings: CampaignSettings, call: EndedCall) -> Scope | None:
    key = settings.opt_out_key
    by_key = key is not None and key in (call.evidence.dtmf or "")
    outcomes = {name.strip().casefold() for name in settings.opt_out_outcomes}
    by_outcome = (call.outcome or "").strip().casefold() in outcomes
    return settings.opt_out_scope if call.opted_out or by_key or by_outcome else None


def _guard(call: EndedCall, *, campaign_over: bool, opted_out: bool) -> Guard | None:
    if campaign_over:
        return Guard.CAMPAIGN_OVER
    if opted_out:
        return Guard.OPTED_OUT
    if call.refused:
        return Guard.REFUSED
    if call.disposition is Disposition.UNKNOWN:
        return Guard.UNKNOWN_END
    return None


def callback_unfit(
    settings: CampaignSettings, callback_at: datetime, *, now: datetime
) -> str | None:
    """Return why a campaign would make no callback at an instant, whatever the call was like."""
    if not settings.callbacks:
        return "the campaign makes no callbacks"
    if callback_at <= now:
        return "its time is past"
    if callback_at > now + timedelta(seconds=CALLBACK_AHEAD_MOST_S):
        return "it is more than 90 days ahead"
    return None


def _callback_refused(
    settings: CampaignSettings,
    call: EndedCall,
    callback_at: datetime,
    *,
    now: datetime,
    source_allows: bool,
) -> str | None:
    if settings.callbacks and not source_allows:
        return "the bot or agent makes no callbacks"
    unfit = callback_unfit(settings, callback_at, now=now)
    if unfit is not None:
        return unfit
    if call.disposition is Disposition.INVALID_NUMBER:
        return Guard.NO_SUCH_NUMBER
    if call.round_ordinal > settings.retry.max_attempts:
        return Guard.ATTEMPTS_USED
    return None


def _called_at(call: EndedCall, at: datetime, next_open: NextOpen | None) -> ContactChange:
    return ContactChange(
        ContactEvent.RETRY_SCHEDULED,
        next_open_instant(at, next_open),
        Reason.CALLBACK_WAITS,
        callback=True,
        number_index=call.number_index if call.numbers > 1 else None,
    )


def _by_the_list(
    settings: CampaignSettings,
    call: EndedCall,
    walk: _Walk,
    *,
    forbidden: str | None,
    now: datetime,
    next_open: NextOpen | None,
) -> tuple[str, ContactChange]:
    technical = MEANING[call.disposition].technical
    over = ContactChange(ContactEvent.GAVE_UP if technical else ContactEvent.FINISHED)
    if not walk.again:
        return walk.rule, over
    number = call.next_number()
    if forbidden is not None:
        return forbidden, over
    if call.round_ordinal >= settings.retry.max_attempts:
        return Guard.ATTEMPTS_USED, over
    if number is None:
        return Guard.NO_SUCH_NUMBER, over
    delay_s = walk.delay_s
    if delay_s is None:
        delay_s = pause_s(settings.retry, call.disposition, call.round_ordinal)
    due_at = max(now, call.ended_at + timedelta(seconds=delay_s))
    return walk.rule, ContactChange(
        ContactEvent.RETRY_SCHEDULED,
        next_open_instant(due_at, next_open),
        Reason.RETRY_WAITS,
        number_index=number if call.numbers > 1 else None,
    )


def _revised(decision: ContactDecision, contact: Contact) -> ContactChange | None:
    change = decision.change
    has_result = contact.status in {ContactStatus.COMPLETED, ContactStatus.FAILED}
    if change is not None and has_result and decision.again:
        return replace(change, event=ContactEvent.REOPENED)
    if change is None or contact.status is not ContactStatus.PENDING:
        return None
    if contact.callback_at is not None and not change.callback and decision.forbidden is None:
        return None
    return change if decision.again else replace(change, event=ContactEvent.FINISHED)
