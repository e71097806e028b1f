"""A problem that lasts is told once, not every second."""

from __future__ import annotations

import structlog

from callcamp.errors import CallcampError

log = structlog.get_logger(__name__)


class Trouble:
    """What goes wrong again and again in one place.

    Args:
        event: what the log calls it.
        about: whose trouble it is, as every line of the log says.
    """

    def __init__(self, event: str, **about: str) -> None:
        self._event = event
        self._about = about
        self._problem: str | None = None

    def met(self, error: CallcampError) -> None:
        """Take in that it went wrong; the log has it if it is another problem than before."""
        if error.message != self._problem:
            self._problem = error.message
            log.warning(self._event, **self._about, problem=error.message)

    def over(self) -> None:
        """Take in that it went well; the log says so if it went wrong before."""
        if self._problem is not None:
            log.info("trouble_over", trouble=self._event, **self._about, problem=self._problem)
            self._problem = None
