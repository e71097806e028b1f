"""The actions that were written and are not answered yet."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from callcamp.errors import SwitchRefused, SwitchTimeout
from callcamp.switch.wire import Headers


@dataclass(slots=True)
class _Waiting:
    name: str
    future: asyncio.Future[list[Headers]]
    deadline: float
    many: bool
    items: list[Headers] = field(default_factory=list)


class Pending:
    """Unanswered actions by ActionID, each with a deadline; one timer serves them all.

    Args:
        timeout_s: how long Asterisk may be silent on an action.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        # All have the same patience, so the dict's order is (nearly) that of the deadlines.
        self._waiting: dict[str, _Waiting] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._lists = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, action_id: str) -> bool:
        return action_id in self._waiting

    @property
    def has_list(self) -> bool:
        """Whether items of a list may come."""
        return self._lists > 0

    def add(self, name: str, action_id: str, *, many: bool) -> asyncio.Future[list[Headers]]:
        """Expect an answer; whoever adds must :meth:`discard` in the end.

        Args:
            name: name of the action, for messages.
            action_id: its ActionID.
            many: whether the answer is a list; the future then gives its items, else the
                one response.
        """
        future: asyncio.Future[list[Headers]] = self._loop.create_future()
        deadline = self._loop.time() + self._timeout_s
        self._waiting[action_id] = _Waiting(name, future, deadline, many)
        self._lists += many
        if self._timer is None:
            self._timer = self._loop.call_at(deadline, self._sweep)
        return future

    def discard(self, action_id: str) -> None:
        """Expect nothing more for an action, whether it was answered or not."""
        waiting = self._waiting.pop(action_id, None)
        if waiting is not None:
            self._lists -= waiting.many
        # The timer stays: it finds nothing to do, which is cheaper than a timer per action.

    def response(self, headers: Headers) -> None:
        """Take a response; one that nobody waits for is ignored."""
        waiting = self._waiting.get(headers.get("ActionID", ""))
        if waiting is None or waiting.future.done():
            return
        if headers["Response"] in {"Error", "Failure", "Fail"}:
            message = headers.get("Message", "no reason given").strip()
            waiting.future.set_exception(
                SwitchRefused(
                    f"Asterisk refused {waiting.name}: {message}",
                    action=waiting.name,
                    answer=message,
                )
            )
        elif not waiting.many:
            waiting.future.set_result([headers])
        elif headers.get("EventList", "").lower() != "start":
            waiting.future.set_result([])

    def item(self, headers: Headers) -> None:
        """Take an event that may belong to a list."""
        waiting = self._waiting.get(headers.get("ActionID", ""))
        if waiting is None or not waiting.many or waiting.future.done():
            return
        if headers.get("EventList", "").lower() == "complete":
            waiting.future.set_result(waiting.items)
        else:
            waiting.items.append(headers)
            waiting.deadline = self._loop.time() + self._timeout_s

    def fail_all(self, reason: str) -> None:
        """Resolve every action as written, but of unknown fate."""
        for waiting in self._waiting.values():
            if not waiting.future.done():
                waiting.future.set_exception(
                    SwitchTimeout(
                        f"No answer to {waiting.name}: {reason} It may have happened.",
                        action=waiting.name,
                    )
                )
        self._waiting.clear()
        self._lists = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self) -> None:
        self._timer = None
        now = self._loop.time()
        for action_id, waiting in list(self._waiting.items()):
            if waiting.future.done():
                continue
            if waiting.deadline > now:
                if waiting.items:
                    # A long list that goes on coming is not silent: its turn is later.
                    self._waiting[action_id] = self._waiting.pop(action_id)
                    continue
                self._timer = self._loop.call_at(waiting.deadline, self._sweep)
                return
            waiting.future.set_exception(
                SwitchTimeout(
                    f"Asterisk did not answer {waiting.name} within {self._timeout_s:g} s."
                    " It may have happened.",
                    action=waiting.name,
                )
            )
        rest = [w.deadline for w in self._waiting.values() if not w.future.done()]
        if rest:
            self._timer = self._loop.call_at(min(rest), self._sweep)
