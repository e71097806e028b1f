"""How likely a contact answers, by hour of the day and number of the call, learnt online.

One model: the log-odds of an answer are a base plus an effect of the hour plus an effect of
the call's number. Each has a mean and a variance; a call's result moves them by as much as
each is uncertain (the diagonal form of the Kalman filter for a logistic model). With one
kind of contact it is a fading average of results.

Results that the estimate makes unlikely in a row (a cumulative sum, E. S. Page 1954) make
the base uncertain again, so that a sudden change is followed within some dozen calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import exp, log, sqrt
from typing import Any

from callcamp.core.pacing.contract import ContactKind
from callcamp.core.pacing.durations import numbers, parts

_LEVELS = 40
"""Levels for each unit of log-odds: calls within one count as equally likely to be answered."""
_MOST_ORDINAL = 6
_HOURS = 24
_MOST_LOG_ODDS = 5.0


class AnswerChance:
    """The learnt chance of an answer.

    Args:
        first: chance before anything was seen.
        worth: how many calls that is worth.
        memory: how many calls the base remembers.
        effect: standard deviation of an effect before anything was seen, in log-odds.
        effect_memory: how many calls of its kind an effect remembers.
        slack: how much of a standard deviation each result may be off without suspicion.
        alarm: sum of suspicions, in standard deviations, that means a change.
        after_alarm: calls that the base is still worth after one.
        caution: standard deviations above the mean that a chance is taken for: too many
            answers cost people a silent call, too few an agent some seconds.
    """

    def __init__(
        self,
        *,
        first: float = 0.5,
        worth: float = 12.0,
        memory: float = 2500.0,
        effect: float = 0.5,
        effect_memory: float = 3000.0,
        slack: float = 0.25,
        alarm: float = 18.0,
        after_alarm: float = 100.0,
        caution: float = 0.5,
    ) -> None:
        information = first * (1 - first)
        self._base = [log(first / (1 - first)), 1 / (worth * information)]
        self._effect = effect * effect
        self._hours = [[0.0, self._effect] for _ in range(_HOURS)]
        self._ordinals = [[0.0, self._effect] for _ in range(_MOST_ORDINAL)]
        self._drift = 1 / memory**2
        self._effect_drift = 1 / effect_memory**2
        self._slack, self._alarm, self._after_alarm = slack, alarm, after_alarm
        self._caution = caution
        self._suspicion = [0.0, 0.0]
        self._known: dict[ContactKind, float] = {}

    def _parts(self, kind: ContactKind) -> list[list[float]]:
        parts = [self._base, self._ordinals[min(max(kind.ordinal, 1), _MOST_ORDINAL) - 1]]
        if kind.hour is not None:
            parts.append(self._hours[kind.hour % _HOURS])
        return parts

    def _log_odds(self, kind: ContactKind, caution: float = 0.0) -> float:
        parts = self._parts(kind)
        found = sum(part[0] for part in parts) + caution * sqrt(sum(part[1] for part in parts))
        return min(max(found, -_MOST_LOG_ODDS), _MOST_LOG_ODDS)

    def of(self, kind: ContactKind) -> float:
        """Return the chance that such a contact answers, on the high side of what is known."""
        found = self._known.get(kind)
        if found is None:
            found = self._known[kind] = _chance(self._log_odds(kind, self._caution))
        return found

    def of_mix(self, kinds: Sequence[ContactKind]) -> float:
        """Return the chance that one of these contacts answers; each may be it.

        Args:
            kinds: their kinds; empty: nothing is known of them.
        """
        counted = Counter(kinds or (ContactKind(),))
        return sum(self.of(kind) * times for kind, times in counted.items()) / counted.total()

    def level(self, kind: ContactKind) -> int:
        """Return a number of :meth:`of`, the same for contacts about as likely to answer."""
        return round(self._log_odds(kind, self._caution) * _LEVELS)

    @staticmethod
    def level_of(chance: float) -> int:
        """Return the level of a chance over 0 and under 1."""
        return round(log(chance / (1 - chance)) * _LEVELS)

    @staticmethod
    def of_level(level: int) -> float:
        """Return the chance that a level stands for."""
        return _chance(level / _LEVELS)

    def add(self, person: bool, kind: ContactKind) -> None:
        """Learn one result."""
        self._known.clear()
        chance = _chance(self._log_odds(kind))
        information = chance * (1 - chance)
        error = person - chance
        self._suspect(error / sqrt(information))
        parts = self._parts(kind)
        uncertain = sum(part[1] for part in parts)
        gain = 1 / (1 + uncertain * information)
        for part, drift in zip(
            parts, (self._drift, self._effect_drift, self._effect_drift), strict=False
        ):
            part[0] += part[1] * gain * error
            part[1] -= part[1] * part[1] * information * gain
            # What may have changed since: keeps the memory from growing without end.
            part[1] += drift / information
            if part is not self._base:
                part[1] = min(part[1], self._effect)

    def _suspect(self, surprise: float) -> None:
        up, down = self._suspicion
        self._suspicion = [
            max(0.0, up + surprise - self._slack),
            max(0.0, down - surprise - self._slack),
        ]
        if max(self._suspicion) > self._alarm:
            chance = _chance(self._base[0])
            least = 1 / (self._after_alarm * chance * (1 - chance))
            self._base[1] = max(self._base[1], least)
            self._suspicion = [0.0, 0.0]

    def state(self) -> dict[str, Any]:
        """Return what was learnt, for :meth:`restore`."""
        return {"base": self._base, "hours": self._hours, "ordinals": self._ordinals}

    def restore(self, kept: object) -> None:
        """Take what :meth:`state` returned before.

        Raises:
            ValueError: It is not that.
        """
        kept = parts(kept)
        base = _part(kept.get("base"))
        hours, ordinals = kept.get("hours"), kept.get("ordinals")
        if not isinstance(hours, list) or len(hours) != _HOURS:
            raise ValueError("chances: no hours")
        if not isinstance(ordinals, list) or len(ordinals) != _MOST_ORDINAL:
            raise ValueError("chances: no ordinals")
        self._hours, self._ordinals = [*map(_part, hours)], [*map(_part, ordinals)]
        self._base = base
        self._known.clear()


def _part(value: object) -> list[float]:
    part = numbers(value, 2, least=None)
    if abs(part[0]) > 20 or not 0 < part[1] < 100:
        raise ValueError("chances: out of range")
    return part


def _chance(log_odds: float) -> float:
    return 1 / (1 + exp(-log_odds))
