"""What the use-cases on records share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from callcamp.errors import InvalidInput
from callcamp.ports import Store


class Desk:
    """Use-cases on what is on record.

    Args:
        store: where things are kept.
        clock: returns now, aware UTC.
        on_change: called after a change with the campaign that it concerns (None: it may
            concern any), to wake its dialer.
        on_suppressed: called with numbers that must not be called any more (None: any may be
            among them), and in which campaign (None: in none).
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime],
        on_change: Callable[[int | None], None] = lambda _campaign_id: None,
        on_suppressed: Callable[[int | None, list[str] | None], None] = lambda _id, _phones: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._on_change = on_change
        self._on_suppressed = on_suppressed

    def _check_future(self, field: str, value: datetime | None) -> None:
        """Refuse an end that is over, or that is in no time zone."""
        if value is None:
            return
        if value.tzinfo is None or value <= self._clock():
            raise InvalidInput(
                f"{field} is {value.isoformat()}; give an instant to come, with its time zone.",
                field=field,
                value=value.isoformat(),
            )

    def _check_past(self, field: str, value: datetime) -> None:
        """Refuse an instant that is to come, or that is in no time zone."""
        if value.tzinfo is None or value > self._clock():
            raise InvalidInput(
                f"{field} is {value.isoformat()}; give an instant that is over, with its time "
                "zone.",
                field=field,
                value=value.isoformat(),
            )
