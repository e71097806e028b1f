"""What lets channels talk: ``Dial()`` and ``Bridge()``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from callcamp.switch.simulated.call import Activity, Call, Dialled, Over
from callcamp.switch.simulated.exchange import ELSEWHERE, Exchange

_SOON_S: Final = 0.001


class Bridging:
    """Brings channels together, and lets them go on afterwards.

    Args:
        exchange: the channels.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def pass_time(
        self, call: Call, app: str, seconds: float | None, then: Callable[[Call], None]
    ) -> None:
        """Let a channel do something for a while (None: until it is ended), and then go on.

        When somebody's Bridge takes it from here, it goes on with ``then`` after the talk.
        """
        timer = None if seconds is None else self._exchange.after(seconds, self._next, call, then)

        def stop(_over: Over) -> None:
            if timer is not None:
                timer.cancel()

        activity = Activity(app, stop=stop, resume=lambda: then(call))
        self._exchange.do(call, activity)

    def _next(self, call: Call, then: Callable[[Call], None]) -> None:
        if not call.ended:
            call.activity = None
            then(call)

    def bridge(self, call: Call, target_id: str, over: Callable[[bool], None]) -> None:
        """Let a channel talk to another, as ``Bridge()`` does.

        Args:
            call: who runs ``Bridge()``.
            target_id: unique id of the other.
            over: goes on with ``call`` after the talk; gets whether there was one.
        """
        target = self._exchange.live.get(target_id)
        if target is None or target is call or target.answered_at is None:
            over(False)
            return
        resume = None if target.activity is None else target.activity.resume
        self._exchange.stop(target, Over.SENT_AWAY)
        if target.ended or call.ended:
            return
        after_target = resume or (lambda: self._exchange.end(target))
        self._talk(call, target, lambda: over(True), after_target)

    def dial(
        self,
        call: Call,
        channel: str,
        timeout_s: float,
        *,
        prepare: Callable[[Call], None],
        up: Callable[[Call], None],
        over: Callable[[str], None],
    ) -> None:
        """Call somebody and let both talk, as ``Dial()`` with option ``g`` does.

        Args:
            call: who dials.
            channel: whom, e.g. ``PJSIP/anna``.
            timeout_s: how long it may ring.
            prepare: gets the new channel before it is called.
            up: gets the new channel when it is answered, before the talk.
            over: goes on with ``call``; gets DIALSTATUS.
        """

        def answered(other: Call) -> None:
            up(other)
            call.activity = None
            self._talk(
                call, other, lambda: over("ANSWER"), lambda: self._exchange.end(other, ELSEWHERE)
            )

        def failed(_other: Call, status: str) -> None:
            if not call.ended and call.activity is activity:
                call.activity = None
                over(status)

        other = self._exchange.dial(channel, Dialled(call, answered, failed), timeout_s)
        if other is None:
            over("CHANUNAVAIL")
            return

        def stop(_over: Over) -> None:
            self._exchange.end(other, ELSEWHERE)

        activity = Activity("Dial", channel, stop)
        self._exchange.do(call, activity)
        prepare(other)

    def _talk(
        self, one: Call, two: Call, after_one: Callable[[], None], after_two: Callable[[], None]
    ) -> None:
        def leave(left: Call, goes_on: Callable[[], None]) -> Callable[[Over], None]:
            def stop(_over: Over) -> None:
                self._exchange.part(left)
                left.activity = None
                self._exchange.after(_SOON_S, self._go_on, left, goes_on)

            return stop

        self._exchange.do(one, Activity("Bridge", two.name, leave(two, after_two)))
        self._exchange.do(two, Activity("Bridge", one.name, leave(one, after_one)))
        if one.interface:
            self._exchange.join(two, one)
        else:
            self._exchange.join(one, two)

    def _go_on(self, call: Call, goes_on: Callable[[], None]) -> None:
        # Whoever was sent elsewhere in the same moment does not go on here.
        if not call.ended and call.activity is None:
            goes_on()
