"""Which outbound numbers rest because too few of their calls are answered.

People and carriers mark numbers that call a lot; calls from a marked number are answered
less and less. Such a number is left alone for some time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import sqrt
from typing import Any

from callcamp.core.campaign_settings import NumberPool
from callcamp.core.gate import NumberUse, OutboundNumber

_Z = 1.96
"""Half-width of the intervals in standard deviations: 95 %."""


@dataclass(frozen=True, slots=True)
class Rest:
    """A number is to rest.

    Args:
        number_id: the number.
        until: until when (aware UTC).
        evidence: what that rests on (JSON-able): ``calls``, ``answered``, ``share`` and
            ``share_at_most`` of the number; ``pool_calls``, ``pool_answered``,
            ``pool_share`` and ``pool_share_at_least`` of the others of its pool;
            ``rest_under`` and ``judged_at``.
    """

    number_id: int
    until: datetime
    evidence: dict[str, Any] = field(default_factory=dict)


def judge_rest(
    pool: NumberPool,
    numbers: Sequence[OutboundNumber],
    use: Mapping[int, NumberUse],
    now: datetime,
    *,
    shared_with: Sequence[NumberPool] = (),
) -> list[Rest]:
    """Return the numbers of ``pool`` that have to rest from ``now`` on, the worst first.

    A number rests when its answered share is under ``pool.rest_under`` times the share of
    the others together, beyond doubt: the upper bound of its own Wilson interval (95 %) is
    under that part of the lower bound of theirs. Intervals that do not overlap are a more
    careful test than one of the difference, which leaves room for judging again and again.
    It needs ``pool.rest_after_calls`` calls of its own and as many of the others. One number
    that may be used now is always left, also to the other pools.

    Args:
        pool: the pool whose numbers are compared.
        numbers: the deployment's outbound numbers.
        use: how they were used, by id.
        now: the instant of the decision (aware).
        shared_with: other pools that may have some of the same numbers.

    Sources: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927), 209-212 (the interval); N. Schenker
    and J. F. Gentleman, Am. Stat. 55 (2001), 182-186 (intervals that do not overlap).
    """
    if pool.rest_under <= 0:
        return []
    wanted = frozenset(pool.numbers)
    awake = [n for n in numbers if n.active and n.phone in wanted and not _rests(n, now)]
    used = {n.id: use.get(n.id, NumberUse()) for n in awake}
    calls = sum(one.calls for one in used.values())
    answered = sum(one.answered for one in used.values())
    found = []
    for id_, one in used.items():
        others = NumberUse(calls=calls - one.calls, answered=answered - one.answered)
        if min(one.calls, others.calls) >= max(1, pool.rest_after_calls):
            evidence = _compare(pool, one, others)
            if evidence["share_at_most"] < pool.rest_under * evidence["pool_share_at_least"]:
                found.append((evidence["share"], id_, evidence))
    usable = [n for n in numbers if n.active and not _rests(n, now) and not _capped(n, use)]
    spares = [{n.id for n in usable if n.phone in one.numbers} for one in (pool, *shared_with)]
    until = now.astimezone(UTC) + timedelta(seconds=pool.rest_s)
    rests = []
    for _share, id_, evidence in sorted(found, key=lambda one: one[:2]):
        if spares[0] - {id_} and {id_} not in spares:
            for spare in spares:
                spare.discard(id_)
            stamp = now.astimezone(UTC).isoformat().replace("+00:00", "Z")
            rests.append(Rest(id_, until, {**evidence, "judged_at": stamp}))
    return rests


def judge_pools(
    pools: Mapping[int, NumberPool],
    numbers: Sequence[OutboundNumber],
    use: Mapping[int, NumberUse],
    now: datetime,
) -> list[tuple[int, Rest]]:
    """Return what :func:`judge_rest` says of several pools that may share numbers.

    A number rests once at most, and every pool keeps a number that may be used now.

    Args:
        pools: by a key of the caller's, such as the campaign's id.
        numbers: the deployment's outbound numbers.
        use: how they were used, by id.
        now: the instant of the decision (aware).

    Returns:
        Pairs of the pool's key and a number's rest.
    """
    found: list[tuple[int, Rest]] = []
    left = list(numbers)
    for key, pool in pools.items():
        rests = judge_rest(pool, left, use, now, shared_with=tuple(pools.values()))
        found += [(key, rest) for rest in rests]
        until = {rest.number_id: rest.until for rest in rests}
        left = [replace(n, resting_until=until.get(n.id, n.resting_until)) for n in left]
    return found


def wilson_interval(successes: int, trials: int, z: float = _Z) -> tuple[float, float]:
    """Return the Wilson score interval of a share as ``(low, high)``, each from 0 to 1.

    Args:
        successes: how many of the trials, 0 to ``trials``.
        trials: how many trials, 1 or more.
        z: half-width in standard deviations of the normal distribution (1.96: 95 %).
    """
    share = successes / trials
    middle = share + z * z / (2 * trials)
    half = z * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def _rests(number: OutboundNumber, now: datetime) -> bool:
    return number.resting_until is not None and number.resting_until > now


def _capped(number: OutboundNumber, use: Mapping[int, NumberUse]) -> bool:
    today = use.get(number.id, NumberUse()).today
    return number.daily_cap is not None and today >= number.daily_cap


def _compare(pool: NumberPool, one: NumberUse, others: NumberUse) -> dict[str, Any]:
    """Return the shares of a number and of the others of its pool, with their bounds."""
    return {
        "calls": one.calls,
        "answered": one.answered,
        "share": one.answered / one.calls,
        "share_at_most": wilson_interval(one.answered, one.calls)[1],
        "pool_calls": others.calls,
        "pool_answered": others.answered,
        "pool_share": others.answered / others.calls,
        "pool_share_at_least": wilson_interval(others.answered, others.calls)[0],
        "rest_under": pool.rest_under,
    }
