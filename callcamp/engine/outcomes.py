"""Custom dispositions: what bots and agents may say of a call."""

from __future__ import annotations

import re

from callcamp.core.outcome import Disposition
from callcamp.engine.checks import check_text, shorten
from callcamp.engine.desk import Desk
from callcamp.errors import InvalidInput
from callcamp.ports import CustomOutcome

_SLUG = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Outcomes(Desk):
    """Use-cases on custom dispositions."""

    async def save_outcome(
        self, name: str, *, label: str = "", refused: bool = False, opt_out: bool = False
    ) -> CustomOutcome:
        """Add a custom disposition, or change it.

        Args:
            name: lower case letters, digits and underscores; none of the built-in names.
            label: shown to people; empty: made of the name.
            refused: the person refused further calls for now.
            opt_out: the person wants never to be called again.

        Raises:
            InvalidInput: a value is unusable.
        """
        if not _SLUG.fullmatch(name):
            raise InvalidInput(
                f"name is {shorten(name)}; give 1 to 64 lower case letters, digits and "
                "underscores, a letter first, such as callback_requested.",
                field="name",
                value=name,
            )
        if name in set(Disposition):
            raise InvalidInput(
                f"{name} is a disposition that callcamp gives itself; choose another name.",
                field="name",
                value=name,
            )
        words = label or name.replace("_", " ").capitalize()
        check_text("label", words, 200)
        outcome = CustomOutcome(name, words, refused, opt_out)
        saved = await self._store.save_outcome(outcome, now=self._clock())
        self._on_change(None)
        return saved

    async def outcomes(self) -> list[CustomOutcome]:
        """Return the custom dispositions by name."""
        return await self._store.outcomes()
