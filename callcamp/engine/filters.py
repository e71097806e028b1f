"""Saved filters, and which people of the contact directory they choose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from callcamp.core.compare import FactValue
from callcamp.core.facts import FactKind, FactMeaning, contact_facts
from callcamp.core.places import where_number
from callcamp.core.policies import Condition, Match
from callcamp.core.rule_text import parse_condition
from callcamp.core.rules import check_condition, matches
from callcamp.engine.checks import check_text
from callcamp.engine.desk import Desk
from callcamp.errors import InvalidInput, NotFound
from callcamp.ports import DirectoryContact, SavedFilter

MOST_CONDITIONS = 50
PAGE = 1000
"""People who are read at a time."""
SHOWN = 10
"""People whom a preview shows."""

PERSON_FACTS: dict[str, FactMeaning] = {
    "phone": FactMeaning(FactKind.TEXT, "the first number, E.164"),
    "country": FactMeaning(
        FactKind.TEXT, "the variable of this name, else the country of the number: FR"
    ),
    "phone_country": FactMeaning(FactKind.TEXT, "the country of the number: FR"),
    "numbers": FactMeaning(FactKind.NUMBER, "how many numbers the person has"),
    "added_at": FactMeaning(FactKind.TEXT, "when the person was added, UTC: 2026-11-21T09:30:00Z"),
    "changed_at": FactMeaning(FactKind.TEXT, "when the person was last changed, UTC"),
}
"""What a filter may ask about a person beside the variables, by name."""


@dataclass(frozen=True, slots=True)
class FilterPreview:
    """Whom a filter chooses now.

    Args:
        count: how many people.
        total: people in the directory.
        first: the first of them.
    """

    count: int
    total: int
    first: tuple[DirectoryContact, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Conditions over people, ready to be asked; none: everybody."""

    conditions: tuple[Condition, ...] = ()
    match: Match = Match.ALL

    def takes(self, person: DirectoryContact) -> bool:
        """Tell whether a person is chosen."""
        return not self.conditions or matches(self.conditions, self.match, facts_of(person))

    async def among(self, people: Sequence[DirectoryContact]) -> list[DirectoryContact]:
        """Return those who are chosen."""
        # In a thread: a slow pattern over many people must not hold up calls.
        return await asyncio.to_thread(lambda: list(filter(self.takes, people)))


def facts_of(person: DirectoryContact) -> dict[str, FactValue]:
    """Return what a filter may ask about a person: see :data:`PERSON_FACTS`."""
    country = where_number(person.phone)[0]
    own = person.variables.get("country", "").strip()
    return {
        **contact_facts(person.phone, person.variables),
        "country": own or country,
        "phone_country": country,
        "numbers": 1 + len(person.others),
        "added_at": _instant(person.created_at.isoformat(timespec="seconds")),
        "changed_at": _instant(person.updated_at.isoformat(timespec="seconds")),
    }


def read_conditions(texts: Sequence[str]) -> tuple[Condition, ...]:
    """Return conditions over people that are written ``NAME OPERATOR VALUE``.

    Raises:
        InvalidInput: there are none or too many, or one cannot be used.
    """
    if not 1 <= len(texts) <= MOST_CONDITIONS:
        raise InvalidInput(
            f"There are {len(texts)} conditions; give 1 to {MOST_CONDITIONS}.",
            field="conditions",
            value=len(texts),
        )
    conditions = tuple(map(parse_condition, texts))
    for condition in conditions:
        check_condition(condition, facts=PERSON_FACTS)
    return conditions


def _instant(text: str) -> str:
    return text.replace("+00:00", "Z")


class Filters(Desk):
    """Use-cases on saved filters."""

    async def save_filter(
        self, name: str, conditions: Sequence[str], *, match: Match = Match.ALL
    ) -> SavedFilter:
        """Add a saved filter, or change it.

        Args:
            name: 1 to 64 characters on one line.
            conditions: each written ``NAME OPERATOR VALUE``, such as ``city = Paris``.
            match: whether all have to hold, or any.

        Raises:
            InvalidInput: a value is unusable.
        """
        check_text("name", name, 64)
        read = read_conditions(conditions)
        return await self._store.save_filter(name, read, match, now=self._clock())

    async def filters(self) -> list[SavedFilter]:
        """Return the saved filters by name."""
        return await self._store.filters()

    async def filter(self, name: str) -> SavedFilter:
        """Return one saved filter.

        Raises:
            NotFound: there is none of that name.
        """
        found = await self._store.filters()
        for one in found:
            if one.name == name:
                return one
        known = ", ".join(repr(one.name) for one in found) or "none"
        raise NotFound(
            f"There is no saved filter {name!r}; there are: {known}.", kind="filter", key=name
        )

    async def delete_filter(self, name: str) -> None:
        """Delete a saved filter; campaigns that were filled with it stay as they are.

        Raises:
            NotFound: there is none of that name.
        """
        await self._store.delete_filter(name, now=self._clock())

    async def preview_filter(
        self,
        name: str | None = None,
        conditions: Sequence[str] = (),
        *,
        match: Match = Match.ALL,
    ) -> FilterPreview:
        """Tell whom a filter chooses now.

        Args:
            name: a saved filter; or else
            conditions: what one would have.
            match: whether all of them have to hold, or any.

        Raises:
            InvalidInput: both or neither are given, or a condition cannot be used.
            NotFound: there is no filter of that name.
        """
        if (name is None) is not bool(conditions):
            raise InvalidInput(
                "Give either the name of a filter, or conditions.", field="conditions"
            )
        choice = await self._choice(name, conditions, match)
        count = total = 0
        first: list[DirectoryContact] = []
        async with aclosing(self._pages()) as pages:
            async for page in pages:
                total += len(page)
                chosen = await choice.among(page)
                count += len(chosen)
                first += chosen[: SHOWN - len(first)]
        return FilterPreview(count, total, tuple(first))

    async def _choice(self, name: str | None, conditions: Sequence[str], match: Match) -> Choice:
        if name is not None:
            saved = await self.filter(name)
            return Choice(saved.conditions, saved.match)
        return Choice(read_conditions(conditions), match) if conditions else Choice()

    async def _pages(self, after_id: int = 0) -> AsyncGenerator[list[DirectoryContact], None]:
        while page := await self._store.directory(after_id=after_id, limit=PAGE):
            yield page
            after_id = page[-1].id
