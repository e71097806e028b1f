"""Whom the simulation calls, and what they do: the same people for every method."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from operator import itemgetter
from random import Random

from callcamp.core.pacing.contract import ContactKind
from callcamp.simulation.workload import Workload

_MOST_DRAWS = 50
"""Ring times to draw until one is before the call is given up."""


@dataclass(slots=True)
class Contact:
    """Somebody to call.

    Args:
        hours_ahead: how far their clock is ahead.
        ordinal: the number of their next call.
        calls: how often they were called.
    """

    hours_ahead: int
    ordinal: int
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Fate:
    """What will become of a call.

    Args:
        person: whether a person answers.
        ring_s: seconds until the answer, or until it ends without.
        talk_s: how long they would talk.
        wrap_up_s: how long the agent would need after.
    """

    person: bool
    ring_s: float
    talk_s: float
    wrap_up_s: float


class People:
    """The contacts of a workload, in the order in which they are called.

    Each call takes the next draws of one random sequence, whatever the method, so methods
    meet the same people in the same order.

    Args:
        workload: what is simulated.
        seed: of the random sequence.
    """

    def __init__(self, workload: Workload, seed: int) -> None:
        self._workload = workload
        self._random = Random(seed)  # noqa: S311 - no secrets, the same again is wanted
        self._again_random = Random(seed)  # noqa: S311 - its own: others meet the same people
        self._order_random = Random(f"order {seed}")  # noqa: S311 - unlike the other two
        self._fresh = self._line_up()
        self._next = next(self._fresh, None)
        self._again: list[tuple[float, int, Contact]] = []
        self._given_back = 0
        self._steps_s = [hours * 3600 for hours, _ in workload.rate_steps]
        self._rates: dict[ContactKind, float | None] = {}
        self._kinds: dict[tuple[int | None, int], ContactKind] = {}
        self.left = sum(group.contacts for group in workload.groups)
        self.through = 0

    def _line_up(self) -> Iterator[Contact]:
        """Yield the contacts of all groups, mixed."""
        groups = self._workload.groups
        if not groups:
            while True:
                yield Contact(0, 1)
        place = self._order_random.random if self._workload.shuffled else None
        places = (
            (place() if place else (n + 0.5) / group.contacts, group)
            for group in groups
            for n in range(group.contacts)
        )
        for _, group in sorted(places, key=itemgetter(0)):
            yield Contact(group.hours_ahead, group.ordinal, group.calls)

    def first(self, now_s: float) -> Contact | None:
        """Return who would be called next; None while nobody can be called."""
        if self._again_first(now_s):
            return self._again[0][2]
        return self._next

    def next_at(self, now_s: float) -> float | None:
        """Return when somebody can be called, at once or later; None: nobody waits."""
        if self._next is not None:
            return now_s
        return max(now_s, self._again[0][0]) if self._again else None

    def take(self, now_s: float) -> Contact | None:
        """Return who is called now, out of the line; None when nobody can be called."""
        if self._again_first(now_s):
            return heappop(self._again)[2]
        taken = self._next
        if taken is not None:
            self._next = next(self._fresh, None)
        return taken

    def _again_first(self, now_s: float) -> bool:
        """Tell whether somebody who was called before is next.

        Who has been due for longest is: so all of a list are called once, then again.
        """
        waits = self._next is not None and bool(self._workload.groups)
        return bool(self._again) and self._again[0][0] <= now_s and not waits

    def give_back(self, contact: Contact, now_s: float, *, done: bool) -> None:
        """Take a contact whose call is over: done with, or to be called again later."""
        contact.calls += 1
        contact.ordinal += 1
        over = done or contact.calls >= self._workload.most_attempts
        if over or self._again_random.random() >= self._workload.retry_share:
            if self._workload.groups:
                self.through += 1
                self.left -= 1
        else:
            self._given_back += 1
            at_s = now_s + self._pause_s(contact.calls)
            heappush(self._again, (at_s, self._given_back, contact))

    def _pause_s(self, calls: int) -> float:
        """Return the pause after so many calls."""
        rows = self._workload.retry_pauses_s
        if not rows:
            return self._workload.retry_after_s
        row = rows[min(calls, len(rows)) - 1]
        return row[int(self._again_random.random() * len(row))] if len(row) > 1 else row[0]

    def kind(self, contact: Contact, now_s: float) -> ContactKind:
        """Return what may tell the contact's chance of an answer."""
        start = self._workload.start_hour
        hour = None if start is None else int(start + contact.hours_ahead + now_s // 3600) % 24
        found = self._kinds.get((hour, contact.ordinal))
        if found is None:
            found = self._kinds[hour, contact.ordinal] = ContactKind(hour, contact.ordinal)
        return found

    def fate(self, kind: ContactKind, now_s: float) -> Fate:
        """Return what will become of a call to such a contact that is started now."""
        random, workload = self._random, self._workload
        answers = random.random() < self.rate(kind, now_s)
        draws = (workload.ring.draw(random) for _ in range(_MOST_DRAWS))
        ring_s = next((one for one in draws if one < workload.ring_timeout_s), None)
        other_s = workload.ring_timeout_s
        if workload.other_end:
            other_s = min(other_s, workload.other_end.draw(random))
        talk_s, wrap_up_s = workload.talk.draw(random), workload.wrap_up.draw(random)
        if answers and ring_s is not None:
            return Fate(True, ring_s, talk_s, wrap_up_s)
        return Fate(False, other_s, talk_s, wrap_up_s)

    def rate(self, kind: ContactKind, now_s: float) -> float:
        """Return how likely a call to such a contact that is started now is answered."""
        if kind not in self._rates:
            rates = self._workload.rates
            kinds = (kind, ContactKind(None, kind.ordinal), ContactKind(kind.hour, 1))
            self._rates[kind] = next((rates[one] for one in kinds if one in rates), None)
        found = self._rates[kind]
        if found is not None:
            return found
        step = bisect_right(self._steps_s, now_s)
        return self._workload.rate_steps[step - 1][1] if step else self._workload.answer_rate
