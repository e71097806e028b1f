"""How the calls to contacts go through the dialplan, once a person is to meet an agent.

``dialplan/extensions_callcamp.conf`` is the master: contexts, variables and order follow it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from callcamp.switch.simulated import dialplan as plan
from callcamp.switch.simulated.agent_routes import AgentRoutes
from callcamp.switch.simulated.astdb import AstDb
from callcamp.switch.simulated.bridging import Bridging
from callcamp.switch.simulated.call import Activity, Call
from callcamp.switch.simulated.exchange import Exchange
from callcamp.switch.simulated.queues import Queues
from callcamp.switch.simulated.timeline import Timeline

_HEARS_LEAST_S: Final = 0.1
_KEY_AFTER_S: Final = 1.0
_KEY_WAIT_S: Final = 1.0
_LEG_PREFIX: Final = "ccleg-"
_TRANSFER_RING_S: Final = 60.0
_TRANSFER_WAIT_S: Final = 300.0


class Routes:
    """What the contexts of the dialplan do.

    Args:
        exchange: the channels.
        queues: where contacts meet agents.
        db: where hangup handlers write.
        timeline: the simulated clock.
        lacks: contexts that are not there.
    """

    def __init__(
        self,
        *,
        exchange: Exchange,
        queues: Queues,
        db: AstDb,
        timeline: Timeline,
        lacks: frozenset[str],
    ) -> None:
        self._exchange = exchange
        self._queues = queues
        self._db = db
        self._timeline = timeline
        self._bridging = Bridging(exchange)
        self._agents = AgentRoutes(exchange, queues, self._bridging, timeline)
        contexts: dict[str, Callable[[Call, str], None]] = {
            plan.ANSWERED: self._answered,
            plan.QUEUE: self._queue,
            plan.GIVE: self._give,
            plan.LEG: self._leg,
            plan.HOLD: self._hold,
            plan.COMPLETE: self._complete,
            plan.TRANSFER: self._transfer,
            plan.AGENT: self._agents.enter,
        }
        handlers: dict[str, Callable[[Call, int], None]] = {
            plan.HANGUP: self._hung_up,
            plan.AGENT_GONE: self._agents.gone,
        }
        self._contexts = {k: v for k, v in contexts.items() if k not in lacks}
        self._handlers = {f"{k},s,1": v for k, v in handlers.items() if k not in lacks}

    def enter(self, call: Call, context: str, exten: str) -> None:
        """Let a channel begin in a context; where there is none, it is hung up."""
        call.context = context
        run = self._contexts.get(context)
        if run is None:
            self._exchange.end(call)
        else:
            run(call, exten)

    def run_handler(self, call: Call, handler: str, cause: int) -> None:
        """Run one hangup handler of a channel that has ended."""
        run = self._handlers.get(handler)
        if run is not None:
            run(call, cause)

    def _answered(self, call: Call, _exten: str) -> None:
        taken = call.course = plan.course(call.script, call.variables)
        if taken.meets_agent:
            self._exchange.leaves_at(call, call.script.talk_s)
            self._bridging.pass_time(call, "AMD", taken.ends_at_s, self._meet)
            return
        cause = 0 if taken.callee_ends else 16
        ends_in_s = max(0.001, taken.ends_at_s)
        timer = self._exchange.after(ends_in_s, self._exchange.end, call, cause)
        self._exchange.do(call, Activity("Read", stop=lambda _over: timer.cancel()))

    def _meet(self, call: Call) -> None:
        self.enter(call, plan.QUEUE if call.variables["CC_ROUTE"] == "queue" else plan.LEG, "s")

    def _now(self) -> str:
        return f"{self._timeline.epoch:.3f}"

    def _queue(self, call: Call, _exten: str) -> None:
        variables = call.variables
        from_answer = variables.get("CC_ABANDON_FROM") == "answer"
        answered_at = self._timeline.epoch if call.answered_at is None else call.answered_at
        variables["CC_WAIT_FROM"] = f"{answered_at:.3f}" if from_answer else self._now()
        self._agents.tell(call, "CallcampPerson", ("Attempt", plan.attempt_of(variables) or ""))
        variables["CC_FOR"] = plan.attempt_of(variables) or ""
        variables["CC_COUNT_FROM"] = variables["CC_WAIT_FROM"]
        hears_s = self._left_s(call) - 1.0
        if variables.get("CC_ANNOUNCE") and hears_s >= _HEARS_LEAST_S:
            call.shared["CC_STAGE"] = "wait"
            variables["CC_HEARS"] = "1"
            attempt_id, queue = variables["CC_FOR"], variables.get("CC_QUEUE", "")
            self._agents.tell(call, "CallcampSeeks", ("Attempt", attempt_id), ("Queue", queue))
            hears_s = min(hears_s, plan.ANNOUNCE_S)
            self._bridging.pass_time(call, "Playback", hears_s, self._announced)
        else:
            self._wait(call, max(1.0, self._left_s(call)))

    def _announced(self, call: Call) -> None:
        call.variables["CC_HEARS"] = ""
        self._wait(call, max(1.0, self._left_s(call)))

    def _left_s(self, call: Call) -> float:
        variables = call.variables
        limit_s = "".join(c for c in variables.get("CC_QUEUE_WAIT_S", "") if c in "0123456789")
        began = float(variables.get("CC_COUNT_FROM") or self._timeline.epoch)
        return began + (int(limit_s or 0) or 2) - self._timeline.epoch

    def _wait(self, call: Call, left_s: float) -> None:
        call.shared["CC_STAGE"] = "wait"
        name = call.variables.get("CC_QUEUE", "")
        self._agents.queue(call, name, int(left_s + 0.5), self._left_queue)

    def _left_queue(self, call: Call, _status: str) -> None:
        if call.shared.get("CC_CONNECTED"):
            self._exchange.end(call)
        else:
            self._no_agent(call)

    def _give(self, call: Call, _exten: str) -> None:
        call.variables["CC_HEARS"] = ""
        if call.variables.get("CC_GIVEN_UP"):
            self._no_agent(call)
            return
        call.shared.update(CC_STAGE="ring", CC_CLAIM="")
        member = call.variables.get("CC_GIVE_MEMBER", "")
        began_s = self._timeline.now

        def over(status: str) -> None:
            if status == "ANSWER":
                self._exchange.end(call)
                return
            rang_ms = str(int(1000 * (self._timeline.now - began_s)))
            self._agents.tell(
                call,
                "CallcampAgentMissed",
                ("Attempt", plan.attempt_of(call.variables) or ""),
                ("Member", member),
                ("Status", status),
                ("RingMs", rang_ms),
            )
            left_s = self._left_s(call)
            if left_s < 0.5:
                self._no_agent(call)
            else:
                call.context = plan.QUEUE
                self._wait(call, left_s)

        limit_s = float(call.variables.get("CC_AGENT_RING_S") or 30)
        ring_s = int(min(limit_s, max(1.0, self._left_s(call))))
        self._agents.dial(call, call.variables.get("CC_GIVE_TO", ""), ring_s, member, over)

    def _no_agent(self, call: Call) -> None:
        call.context = plan.NO_AGENT
        call.variables["CC_GIVEN_UP"] = self._now()
        call.shared["CC_STAGE"] = ""
        if not call.variables.get("CC_NO_AGENT"):
            self._exchange.end(call)
            return
        self._exchange.leaves_after(call, call.script.hears_s)
        has_key = bool(call.script.keys)
        seconds = _KEY_AFTER_S if has_key else plan.NO_AGENT_S + _KEY_WAIT_S
        self._bridging.pass_time(call, "Read", seconds, self._heard)

    def _heard(self, call: Call) -> None:
        call.variables["CC_DTMF"] = call.script.keys[:1]
        call.variables["CC_PLAYED"] = "no_agent"
        self._exchange.end(call)

    def _no_leg(self, call: Call) -> None:
        left_s = self._left_s(call) if call.variables.get("CC_COUNT_FROM") else 0.0
        if left_s < 0.5:
            self._no_agent(call)
        else:
            call.context = plan.QUEUE
            self._wait(call, left_s)

    def _leg(self, call: Call, exten: str) -> None:
        variables = call.variables
        attempt_id = plan.attempt_of(variables) or ""
        if exten == "join":
            call.shared["CC_CLAIM"] = variables["CC_HEARS"] = ""
            if variables.get("CC_GIVEN_UP"):
                self._no_agent(call)
                return
            call.shared["CC_STAGE"] = "talk"
        else:
            variables["CC_WAIT_FROM"] = f"{call.answered_at or self._timeline.epoch:.3f}"
            self._agents.tell(call, "CallcampPerson", ("Attempt", attempt_id))
        leg_id = variables.get("CC_LEG", "")
        leg = self._exchange.live.get(leg_id)
        if leg is None or leg.variables.get("CC_WAITS") != "1" or leg.shared.get("CC_WITH"):
            self._no_leg(call)
            return
        member = f"cc-agent-{leg_id.removeprefix(_LEG_PREFIX).partition('-')[0]}"
        leg.shared["CC_WITH"] = attempt_id
        call.shared.update(CC_MEMBER=member, CC_CONNECTED=self._now(), CC_AGENT_CHANNEL=leg_id)
        variables["CC_ON_LEG"] = leg_id
        self._agents.tell(
            call,
            "CallcampAgentConnected",
            ("Attempt", attempt_id),
            ("Member", member),
            ("AgentChannel", leg_id),
        )

        def over(talked: bool) -> None:
            if not talked:
                call.shared.update(CC_CONNECTED="", CC_MEMBER="")
            self._leg_left(call)
            if talked:
                self._exchange.end(call)
            else:
                self._no_leg(call)

        self._bridging.bridge(call, leg_id, over)

    def _leg_left(self, call: Call) -> None:
        leg_id = call.variables.pop("CC_ON_LEG", "")
        if not leg_id:
            return
        attempt_id = plan.attempt_of(call.variables) or ""
        self._agents.tell(
            call, "CallcampAgentLeft", ("Attempt", attempt_id), ("AgentChannel", leg_id)
        )
        leg = self._exchange.live.get(leg_id)
        if leg is not None and leg.shared.get("CC_WITH") == attempt_id:
            leg.shared["CC_WITH"] = ""

    def _unheld(self, call: Call) -> None:
        agent = self._exchange.live.get(call.shared.get("CC_AGENT_CHANNEL", ""))
        is_held = bool(call.shared.get("CC_HELD"))
        call.shared["CC_HELD"] = ""
        if is_held and agent is not None and not agent.uniqueid.startswith(_LEG_PREFIX):
            self._exchange.after(0.0, self._exchange.end, agent)

    def _hold(self, call: Call, _exten: str) -> None:
        call.shared["CC_HELD"] = "1"
        if call.shared.get("CC_AGENT_CHANNEL", "") not in self._exchange.live:
            self._exchange.end(call)
            return
        self._bridging.pass_time(call, "MusicOnHold", None, self._exchange.end)

    def _complete(self, call: Call, _exten: str) -> None:
        call.shared["CC_HELD"] = ""
        self._leg_left(call)
        third = call.shared.get("CC_THIRD", "")
        self._bridging.bridge(call, third, lambda _talked: self._exchange.end(call))

    def _transfer(self, call: Call, _exten: str) -> None:
        self._leg_left(call)
        self._unheld(call)
        variables = call.variables
        variables["CC_FOR"] = plan.attempt_of(variables) or ""
        kind, to = variables.get("CC_TO_KIND", ""), variables.get("CC_TO", "")
        if kind == "queue":
            self._agents.queue(
                call,
                to,
                _TRANSFER_WAIT_S,
                lambda call, status: self._tried(call, status == "CONTINUE"),
            )
            return

        def over(status: str) -> None:
            self._tried(call, status == "ANSWER")

        if kind == "agent":
            member = variables.get("CC_GIVE_MEMBER", "")
            self._agents.dial(call, to, _TRANSFER_RING_S, member, over)
        else:
            self._agents.dial(call, to, _TRANSFER_RING_S, None, over)

    def _tried(self, call: Call, went_well: bool) -> None:
        if went_well or not call.variables.get("CC_NO_AGENT"):
            self._exchange.end(call)
        else:
            self._bridging.pass_time(call, "Playback", plan.NO_AGENT_S, self._exchange.end)

    def _hung_up(self, call: Call, cause: int) -> None:
        variables = call.variables
        attempt_id = plan.attempt_of(variables)
        if attempt_id is None:
            return
        agents: dict[str, str] = {}
        if variables.get("CC_WAIT_FROM"):
            self._leg_left(call)
            self._unheld(call)
            given_up = variables.get("CC_GIVEN_UP", "")
            until = call.shared.get("CC_CONNECTED") or given_up or self._now()
            waited_s = float(until) - float(variables["CC_WAIT_FROM"])
            agents = {
                "agent": call.shared.get("CC_MEMBER", ""),
                "waited": f"{waited_s:.3f}",
                "abandoned": "1" if given_up else "",
            }
        epoch = self._timeline.epoch
        end = plan.CallEnd(cause, call.last_sip, call.state[1], call.answered_at, epoch, agents)
        line = plan.evidence_line(end, variables)
        self._db.put("callcamp", attempt_id, line)
        told = [("UserEvent", "CallcampEnded"), ("Attempt", attempt_id), ("Evidence", line)]
        self._exchange.emit("UserEvent", "user", [*call.snapshot(plan.HANGUP, "12"), *told])
