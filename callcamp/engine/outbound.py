"""The deployment's outbound numbers: which there are, how they are used, which rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from callcamp.core.gate import NumberUse, OutboundNumber
from callcamp.core.reasons import Reason
from callcamp.engine.checks import check_text
from callcamp.engine.desk import Desk
from callcamp.engine.phones import need_number
from callcamp.errors import InvalidInput, NotFound

MOST_DAILY_CAP = 1_000_000


@dataclass(frozen=True, slots=True)
class NumberStatus:
    """An outbound number and how it is used.

    Args:
        number: the number.
        use: its calls.
        resting: whether it rests now.
    """

    number: OutboundNumber
    use: NumberUse
    resting: bool

    @property
    def answer_rate(self) -> float | None:
        """Answered calls as a share of the calls since it was last judged or rested."""
        return self.use.answered / self.use.calls if self.use.calls else None


class OutboundNumbers(Desk):
    """Use-cases on outbound numbers."""

    async def save_number(
        self,
        phone: str,
        *,
        region: str | None = None,
        label: str | None = None,
        active: bool | None = None,
        daily_cap: int | None = None,
    ) -> OutboundNumber:
        """Add an outbound number, or change it; None leaves a value as it is.

        Args:
            phone: the number as people write it.
            region: country of a number written without one.
            label: shown to people; a new number has none.
            active: whether it may be used; a new number may.
            daily_cap: calls a day at most, over all campaigns; 0: no cap, as on a new number.

        Raises:
            InvalidInput: a value is unusable.
        """
        number = need_number(phone, region)
        if label:
            check_text("label", label, 200)
        if daily_cap is not None and not 0 <= daily_cap <= MOST_DAILY_CAP:
            raise InvalidInput(
                f"daily_cap is {daily_cap}; give calls a day up to {MOST_DAILY_CAP}, or 0 for no "
                "cap.",
                field="daily_cap",
                value=daily_cap,
            )
        now = self._clock()
        known = {one.phone: one for one in await self._store.outbound_numbers()}
        before = known.get(number, OutboundNumber(0, number))
        saved = await self._store.save_number(
            number,
            label=before.label if label is None else label,
            active=before.active if active is None else active,
            daily_cap=before.daily_cap if daily_cap is None else daily_cap or None,
            now=now,
        )
        await self._changed(now)
        return saved

    async def numbers(self) -> list[NumberStatus]:
        """Return all outbound numbers by phone, with their use."""
        now = self._clock()
        use = await self._store.number_use(now=now)
        return [
            NumberStatus(
                one,
                use.get(one.id, NumberUse()),
                one.resting_until is not None and now < one.resting_until,
            )
            for one in await self._store.outbound_numbers()
        ]

    async def rest_number(
        self, phone: str, *, until: datetime, region: str | None = None
    ) -> OutboundNumber:
        """Have a number rest until an instant.

        Raises:
            InvalidInput: it is no number, or the instant is over.
            NotFound: there is no such outbound number.
        """
        self._check_future("until", until)
        return await self._rest(phone, region, until)

    async def wake_number(self, phone: str, *, region: str | None = None) -> OutboundNumber:
        """End the rest of a number, and count its calls and answers anew.

        Raises:
            InvalidInput: it is no number.
            NotFound: there is no such outbound number.
        """
        return await self._rest(phone, region, None)

    async def delete_number(self, phone: str, *, region: str | None = None) -> str:
        """Delete an outbound number; returns it as E.164.

        Raises:
            InvalidInput: it is no number.
            NotFound: there is no such outbound number.
            Conflict: a campaign that is not over has it in its pool.
        """
        number = need_number(phone, region)
        now = self._clock()
        await self._store.delete_number(number, now=now)
        await self._changed(now)
        return number

    async def _rest(self, phone: str, region: str | None, until: datetime | None) -> OutboundNumber:
        number = need_number(phone, region)
        now = self._clock()
        found = await self._find(number)
        evidence = {} if until is None else {"by": "hand"}
        await self._store.rest_number(found.id, until=until, evidence=evidence, now=now)
        await self._changed(now)
        return await self._find(number)

    async def _find(self, number: str) -> OutboundNumber:
        for one in await self._store.outbound_numbers():
            if one.phone == number:
                return one
        raise NotFound(f"There is no outbound number {number}.", kind="number", key=number)

    async def _changed(self, now: datetime) -> None:
        await self._store.release_holds(None, [Reason.NUMBER_CAPPED], now=now)
        self._on_change(None)
