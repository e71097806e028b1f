"""The contact directory: people apart from campaigns, and from there into campaigns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from callcamp.core.gate import Consent
from callcamp.core.model import NewContact
from callcamp.core.policies import Match
from callcamp.engine.filters import Filters
from callcamp.engine.phones import need_any_number, need_number
from callcamp.engine.variables import check_variables
from callcamp.errors import InvalidInput, LimitExceeded, NotFound
from callcamp.ports import (
    AddResult,
    DirectoryContact,
    OnDuplicate,
    Suppression,
    TimelineCall,
)

MOST_OTHERS = 9
"""Further numbers of a person, at most."""
MOST_MEMBERS = 500_000
"""People who are added to a campaign at once."""
CALLS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class PersonHistory:
    """All that is on record about a person.

    Args:
        numbers: the numbers that it is about.
        person: the entry of the directory, if there is one.
        calls: every call to one of the numbers, over all campaigns, newest first.
        consents: consents on record, revoked and expired ones included.
        suppressions: where the numbers must not be called.
    """

    numbers: tuple[str, ...]
    person: DirectoryContact | None
    calls: tuple[TimelineCall, ...]
    consents: tuple[Consent, ...]
    suppressions: tuple[Suppression, ...]


class Directory(Filters):
    """Use-cases on the contact directory."""

    async def add_person(
        self,
        phone: str,
        *,
        region: str | None = None,
        variables: Mapping[str, str] | None = None,
        others: Sequence[str] = (),
    ) -> DirectoryContact:
        """Add a person, or change the one with that first number.

        Variables are merged into those that are there; further numbers take the place of
        those that are there, if any are given.

        Args:
            phone: first number as people write it.
            region: country of numbers written without one.
            variables: data by name.
            others: further numbers.

        Raises:
            InvalidInput: a value is unusable.
            LimitExceeded: there are too many variables or numbers.
        """
        number = need_number(phone, region)
        if len(others) > MOST_OTHERS:
            raise LimitExceeded(
                f"There are {len(others)} further numbers; give {MOST_OTHERS} at most.",
                limit="max_others",
                value=len(others),
            )
        further = dict.fromkeys(need_number(text, region, "others") for text in others)
        contact = NewContact(
            number,
            check_variables(variables or {}),
            others=tuple(one for one in further if one != number),
        )
        await self._store.add_to_directory([contact], now=self._clock())
        return await self._person(number)

    async def people(
        self, *, after_id: int = 0, limit: int = 100, filter_name: str | None = None
    ) -> list[DirectoryContact]:
        """Return people by id.

        Args:
            after_id: those after this one.
            limit: how many at most.
            filter_name: only those whom this saved filter chooses.

        Raises:
            NotFound: there is no filter of that name.
        """
        if filter_name is None:
            return await self._store.directory(after_id=after_id, limit=limit)
        choice = await self._choice(filter_name, (), Match.ALL)
        found: list[DirectoryContact] = []
        async with aclosing(self._pages(after_id)) as pages:
            async for page in pages:
                found += (await choice.among(page))[: limit - len(found)]
                if len(found) >= limit:
                    break
        return found

    async def history(
        self, phone: str, *, region: str | None = None, calls: int = CALLS_SHOWN
    ) -> PersonHistory:
        """Return all that is on record about a person, by any of its numbers.

        Args:
            phone: one of its numbers as people write it.
            region: country of a number written without one.
            calls: how many calls at most.

        Raises:
            InvalidInput: it is no number.
            NotFound: nothing is on record about it.
        """
        number = need_any_number(phone, region)
        found = await self._store.directory(phone=number, limit=100)
        # Who has it as first number comes before who has it as a further one.
        found.sort(key=lambda one: one.phone != number)
        person = found[0] if found else None
        numbers = (person.phone, *person.others) if person else (number,)
        made = await self._store.timeline(numbers, limit=calls)
        consents = [one for each in numbers for one in await self._store.consents(each)]
        suppressions = [
            one for each in numbers for one in await self._store.suppressions(phone=each)
        ]
        if person is None and not (made or consents or suppressions):
            raise _unknown(number)
        return PersonHistory(numbers, person, tuple(made), tuple(consents), tuple(suppressions))

    async def delete_person(self, phone: str, *, region: str | None = None) -> str:
        """Delete a person by first number; returns it as E.164. Campaigns keep their copy.

        Raises:
            InvalidInput: it is no number.
            NotFound: nobody has that first number.
        """
        number = need_any_number(phone, region)
        if not await self._store.delete_from_directory(number, now=self._clock()):
            raise _unknown(number)
        return number

    async def add_from_directory(
        self,
        campaign_id: int,
        *,
        filter_name: str | None = None,
        conditions: Sequence[str] = (),
        match: Match = Match.ALL,
        phones: Sequence[str] = (),
        everybody: bool = False,
        on_duplicate: OnDuplicate = OnDuplicate.SKIP,
    ) -> AddResult:
        """Add people of the directory to a campaign, all or none.

        Args:
            campaign_id: the campaign.
            filter_name: those whom a saved filter chooses; or else
            conditions: those for whom these hold; or else
            match: whether all conditions have to hold, or any.
            phones: those with these numbers; or else
            everybody: all of them.
            on_duplicate: what to do with a number that the campaign has already.

        Raises:
            InvalidInput: not exactly one way to choose is given, it cannot be used, or it
                chooses nobody.
            NotFound: there is no such campaign or filter, or nobody with one of the numbers.
            Conflict: the campaign takes no contacts.
            LimitExceeded: too many are chosen.
        """
        ways = (filter_name is not None, bool(conditions), bool(phones), everybody)
        if sum(ways) != 1:
            raise InvalidInput(
                "Choose people in one way: by a filter, by conditions, by numbers, or all.",
                field="filter",
            )
        campaign = await self._store.campaign(campaign_id)
        if phones:
            people = await self._with_numbers(phones, campaign.settings.default_region)
        else:
            people = await self._chosen(filter_name, conditions, match)
        if not people:
            raise InvalidInput("Nobody in the directory is chosen.", field="filter")
        result = await self._store.add_contacts(
            campaign_id, people, now=self._clock(), on_duplicate=on_duplicate
        )
        self._on_change(campaign_id)
        return result

    async def _chosen(
        self, filter_name: str | None, conditions: Sequence[str], match: Match
    ) -> list[NewContact]:
        choice = await self._choice(filter_name, conditions, match)
        chosen: list[NewContact] = []
        async with aclosing(self._pages()) as pages:
            async for page in pages:
                chosen += map(_as_contact, await choice.among(page))
                if len(chosen) > MOST_MEMBERS:
                    raise LimitExceeded(
                        f"More than {MOST_MEMBERS:,} people are chosen; choose fewer.",
                        limit="max_members",
                        value=MOST_MEMBERS,
                    )
        return chosen

    async def _with_numbers(self, phones: Sequence[str], region: str) -> list[NewContact]:
        numbers = list(dict.fromkeys(need_any_number(text, region) for text in phones))
        return [_as_contact(await self._person(number)) for number in numbers]

    async def _person(self, number: str) -> DirectoryContact:
        for one in await self._store.directory(phone=number, limit=100):
            if one.phone == number:
                return one
        raise _unknown(number)


def _as_contact(person: DirectoryContact) -> NewContact:
    return NewContact(person.phone, dict(person.variables), others=person.others)


def _unknown(number: str) -> NotFound:
    return NotFound(
        f"Nobody in the contact directory has the number {number}.", kind="person", key=number
    )
