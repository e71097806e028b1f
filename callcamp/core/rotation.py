"""Which outbound number a call is placed from.

A number is used only while it is active, not resting and under its daily cap. Among those
the least used one of the day goes first, so that calls spread evenly; a pool may instead keep
the number for a contact, or prefer one of the contact's area.
:mod:`callcamp.core.resting` decides which numbers rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from heapq import heappop, heapreplace
from operator import itemgetter
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number

from callcamp.core.campaign_settings import NumberPool, Rotation
from callcamp.core.gate import NumberUse, OutboundNumber
from callcamp.core.reasons import Reason

_LONG_AGO = datetime.min.replace(tzinfo=UTC)

# Codes that several countries share; elsewhere the code is the country (the Channel Islands
# have numbers like those of Great Britain, and nobody takes them for calls from abroad).
_SHARED_CODES = frozenset({1, 7})


@lru_cache(maxsize=4096)
def number_zone(phone: str) -> str:
    """Return the IANA time zone in which the day of an outbound number is measured.

    It is the first zone that libphonenumber knows for ``phone`` (E.164); ``UTC`` when it
    knows none.
    """
    parsed = _parsed(phone)
    zone = UNKNOWN_TIMEZONE if parsed is None else time_zones_for_number(parsed)[0]
    return "UTC" if zone == UNKNOWN_TIMEZONE else zone


def day_of(phone: str, now: datetime) -> date:
    """Return the local date at ``now`` (aware) where an outbound number is."""
    return now.astimezone(ZoneInfo(number_zone(phone))).date()


def day_end(phone: str, now: datetime) -> datetime:
    """Return the instant at which the local day of an outbound number ends (aware UTC)."""
    zone = ZoneInfo(number_zone(phone))
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    # A midnight that the clock skips is reckoned with the offset before the change, which
    # gives the instant of the change: the first of the new day.
    return datetime.combine(tomorrow, time(0), tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A call can be placed.

    Args:
        number: from which number (None: the pool is empty, so the campaign's ``caller_id`` or
            the trunk's own).
    """

    number: OutboundNumber | None


@dataclass(frozen=True, slots=True)
class NoNumber:
    """No number may be used for the call now.

    Args:
        reason: ``no_number``, ``numbers_capped`` (of the pool) or ``number_capped`` (of the
            number that is kept for this contact).
        until: when that could change at the earliest (None: not by itself).
    """

    reason: Reason
    until: datetime | None


class Rotator:
    """Chooses the outbound numbers of one batch of calls.

    Tell it with :meth:`note_used` of each call that is let out, so that the batch as a whole
    spreads evenly and passes no cap.

    Args:
        pool: the campaign's pool; numbers that the deployment does not have are left out.
        numbers: the deployment's outbound numbers.
        use: how they were used, by id; missing: not at all.
        now: the instant of the decisions (aware).
    """

    def __init__(
        self,
        pool: NumberPool,
        numbers: Sequence[OutboundNumber],
        use: Mapping[int, NumberUse],
        now: datetime,
    ) -> None:
        wanted = frozenset(pool.numbers)
        self._pool = pool
        self._now = now
        self._active = {n.phone: n for n in numbers if n.active and n.phone in wanted}
        known = {n.id: use.get(n.id, NumberUse()) for n in self._active.values()}
        self._today = {id_: one.today for id_, one in known.items()}
        self._last = {id_: one.last_used_at or _LONG_AGO for id_, one in known.items()}
        self._all = self._queue(self._active.values())
        self._near: dict[tuple[str, str], _Queue] | None = None

    def choose(self, contact_phone: str, previous: str | None = None) -> Chosen | NoNumber:
        """Return the number to call ``contact_phone`` (E.164) from, or why there is none.

        Args:
            contact_phone: the number that is about to be called.
            previous: the outbound number that the contact was last called from.
        """
        if not self._pool.numbers:
            return Chosen(None)
        kept = self._active.get(previous or "") if self._pool.rotation is Rotation.SAME else None
        if kept is not None:
            if self._usable(kept):
                return Chosen(kept)
            return NoNumber(Reason.NUMBER_CAPPED, self._free_at(kept))
        first = self._all.first()
        if first is None:
            return self._none()
        if self._pool.rotation is Rotation.LOCAL:
            first = self._nearest(contact_phone) or first
        return Chosen(first)

    def note_used(self, number: OutboundNumber) -> None:
        """Note that a call is placed from ``number``, which :meth:`choose` gave."""
        self._today[number.id] += 1
        self._last[number.id] = self._now

    def _usable(self, number: OutboundNumber) -> bool:
        return not self._capped(number) and not self._resting(number)

    def _capped(self, number: OutboundNumber) -> bool:
        return number.daily_cap is not None and self._today[number.id] >= number.daily_cap

    def _resting(self, number: OutboundNumber) -> bool:
        return number.resting_until is not None and number.resting_until > self._now

    def _free_at(self, number: OutboundNumber) -> datetime:
        ends = [self._now]
        if self._capped(number):
            ends.append(day_end(number.phone, self._now))
        if number.resting_until is not None:
            ends.append(number.resting_until)
        return max(ends).astimezone(UTC)

    def _none(self) -> NoNumber:
        if not self._active:
            return NoNumber(Reason.NO_NUMBER, None)
        until = min(map(self._free_at, self._active.values()))
        resting = all(map(self._resting, self._active.values()))
        return NoNumber(Reason.NO_NUMBER if resting else Reason.NUMBERS_CAPPED, until)

    def _nearest(self, contact_phone: str) -> OutboundNumber | None:
        if self._near is None:
            self._near = self._by_area()
        area = _area_of(contact_phone)
        for prefix in area.prefixes:
            queue = self._near.get((area.country, prefix))
            number = queue.first() if queue else None
            if number is not None:
                return number
        return None

    def _by_area(self) -> dict[tuple[str, str], _Queue]:
        near: dict[tuple[str, str], list[OutboundNumber]] = {}
        for number in self._active.values():
            area = _area_of(number.phone)
            for length in range(len(area.national) + 1 if area.country else 0):
                near.setdefault((area.country, area.national[:length]), []).append(number)
        return {key: self._queue(some) for key, some in near.items()}

    def _queue(self, numbers: Iterable[OutboundNumber]) -> _Queue:
        return _Queue(numbers, self._rank, self._usable)

    def _rank(self, number: OutboundNumber) -> _Rank:
        return self._today[number.id], self._last[number.id], number.id


_Rank = tuple[int, datetime, int]
"""By what numbers are taken in turn: calls today, when it was last used, id."""


class _Queue:
    """Numbers in the order of their rank, which changes as they are used.

    A rank only ever grows, so an entry with an old rank comes up too early, never too late,
    and is put back where it belongs when it does.
    """

    def __init__(
        self,
        numbers: Iterable[OutboundNumber],
        rank: Callable[[OutboundNumber], _Rank],
        usable: Callable[[OutboundNumber], bool],
    ) -> None:
        self._rank = rank
        self._usable = usable
        self._heap = sorted(((rank(n), n) for n in numbers), key=itemgetter(0))

    def first(self) -> OutboundNumber | None:
        """Return the first number that may be used; None: there is none left."""
        while self._heap:
            noted, number = self._heap[0]
            rank = self._rank(number)
            if not self._usable(number):
                heappop(self._heap)
            elif noted == rank:
                return number
            else:
                heapreplace(self._heap, (rank, number))
        return None


@dataclass(frozen=True, slots=True)
class _Area:
    """Where a number is: a country, its national digits, and what of these to look for."""

    country: str = ""
    national: str = ""
    prefixes: tuple[str, ...] = ()


@lru_cache(maxsize=16384)
def _area_of(phone: str) -> _Area:
    parsed = _parsed(phone)
    if parsed is None:
        return _Area()
    national = phonenumbers.national_significant_number(parsed)
    code = parsed.country_code
    country = f"+{code}"
    if code in _SHARED_CODES:
        country += phonenumbers.region_code_for_number(parsed) or ""
    # Digits past the area code say nothing about the place any more.
    area = phonenumbers.length_of_national_destination_code(parsed) or len(national)
    if code == 1:
        return _Area(country, national, (national[:3], ""))
    least = min(2, area)
    lengths = range(area, least - 1, -1)
    return _Area(country, national, (*(national[:n] for n in lengths), ""))


def _parsed(phone: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return None
