"""How the calls to agents' phones go through the dialplan.

``dialplan/extensions_callcamp.conf`` is the master: contexts, variables and order follow it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from callcamp.switch.simulated import dialplan as plan
from callcamp.switch.simulated.bridging import Bridging
from callcamp.switch.simulated.call import Activity, Call, Over
from callcamp.switch.simulated.exchange import Exchange
from callcamp.switch.simulated.queues import Left, Queues
from callcamp.switch.simulated.timeline import Timeline

_CONSULT_S: Final = 30.0
_SOON_S: Final = 0.001


class AgentRoutes:
    """What the contexts for agents' channels do.

    Args:
        exchange: the channels.
        queues: where contacts meet agents.
        bridging: what lets channels talk.
        timeline: the simulated clock.
    """

    def __init__(
        self, exchange: Exchange, queues: Queues, bridging: Bridging, timeline: Timeline
    ) -> None:
        self._exchange = exchange
        self._queues = queues
        self._bridging = bridging
        self._timeline = timeline

    def tell(self, call: Call, name: str, *headers: tuple[str, str]) -> None:
        """Send a UserEvent from a channel."""
        pairs = [*call.snapshot(), ("UserEvent", name), *headers]
        self._exchange.emit("UserEvent", "user", pairs)

    def queue(self, call: Call, name: str, wait_s: float, left: Left) -> None:
        """Let a call wait for an agent in a queue, with the subroutines for agents' channels."""
        self._queues.join(
            call,
            name,
            wait_s,
            left,
            prepare=lambda agent: self._called(call, agent, ""),
            up=lambda agent, member: self._up(call, agent, member, told=True),
        )

    def dial(
        self,
        call: Call,
        channel: str,
        ring_s: float,
        member: str | None,
        over: Callable[[str], None],
    ) -> None:
        """Dial for a call, and go on with DIALSTATUS.

        Args:
            call: who dials.
            channel: whom.
            ring_s: how long it may ring.
            member: the agent's name as a member; None: it is no agent.
            over: goes on with the call.
        """

        def prepare(other: Call) -> None:
            if member is not None:
                self._called(call, other, member)

        def up(other: Call) -> None:
            if member is not None:
                self._up(call, other, member, told=False)

        self._bridging.dial(call, channel, ring_s, prepare=prepare, up=up, over=over)

    def _called(self, call: Call, agent: Call, member: str) -> None:
        agent.handlers.append(f"{plan.AGENT_GONE},s,1")
        agent.variables["CC_FOR"] = call.variables.get("CC_FOR", "")
        call.shared.update(CC_STAGE="ring", CC_RINGS=agent.uniqueid)
        if member:
            self._tell_member(agent, "CallcampAgentCalled", member)

    def _up(self, call: Call, agent: Call, member: str, *, told: bool) -> None:
        agent.variables["CC_UP"] = "1"
        agent.variables["CC_MEMBER"] = member
        call.shared["CC_STAGE"] = "talk"
        if not call.shared.get("CC_CONNECTED"):
            call.shared["CC_CONNECTED"] = f"{self._timeline.epoch:.3f}"
        if not call.shared.get("CC_MEMBER"):
            call.shared["CC_MEMBER"] = member
        call.shared["CC_AGENT_CHANNEL"] = agent.uniqueid
        agent.shared["CC_WITH"] = agent.variables.get("CC_FOR", "")
        if not told:
            self._tell_member(agent, "CallcampAgentConnected", member)

    def _tell_member(self, agent: Call, name: str, member: str) -> None:
        self.tell(
            agent,
            name,
            ("Attempt", agent.variables.get("CC_FOR", "")),
            ("Member", member),
            ("AgentChannel", agent.uniqueid),
        )

    def gone(self, agent: Call, _cause: int) -> None:
        """Run the hangup handler of an agent's channel."""
        is_up = agent.variables.get("CC_UP") == "1"
        rang_for = self._exchange.live.get(agent.variables.get("CC_FOR", ""))
        if not is_up and rang_for is not None and rang_for.shared.get("CC_STAGE") == "ring":
            rang_for.shared["CC_STAGE"] = "wait"
        with_id = agent.shared.get("CC_WITH", "")
        if not with_id:
            return
        if is_up:
            member = agent.variables.get("CC_MEMBER", "")
            self.tell(
                agent,
                "CallcampAgentLeft",
                ("Attempt", with_id),
                ("Member", member),
                ("AgentChannel", agent.uniqueid),
            )
        contact = self._exchange.live.get(with_id)
        if contact is not None and contact.shared.get("CC_HELD"):
            self._exchange.after(0.0, self._exchange.end, contact)

    def enter(self, agent: Call, exten: str) -> None:
        """Run ``callcamp-agent``."""
        if exten == "held":
            self._held(agent)
        elif exten == "back":
            self._back(agent)
        elif exten == "consult":
            self._consult(agent)
        else:
            self._answered(agent)

    def _answered(self, agent: Call) -> None:
        leg_id = agent.variables.get("CC_LEG_ID", "")
        self.tell(agent, "CallcampLegAnswered", ("Leg", leg_id))
        self._exchange.leaves_at(agent, agent.script.talk_s)
        what = agent.variables.get("CC_LEG_DO")
        if what == "echo":
            self._exchange.do(agent, Activity("Echo"))
        elif what == "spy":
            self._spy(agent)
        else:
            agent.variables["CC_WAITS"] = "1"
            self._wait(agent)

    def _wait(self, agent: Call) -> None:
        self._bridging.pass_time(agent, "BridgeWait", None, self._wait)

    def _spy(self, agent: Call) -> None:
        target = self._exchange.live.get(agent.variables.get("CC_SPY_ON", ""))
        if target is None:
            self._exchange.after(_SOON_S, self._exchange.end, agent)
            return
        target.spies.append(agent)

        def stop(_over: Over) -> None:
            if agent in target.spies and not target.ended:
                target.spies.remove(agent)

        self._exchange.do(agent, Activity("ChanSpy", target.uniqueid, stop))

    def _held(self, agent: Call) -> None:
        if agent.variables.get("CC_WAITS") == "1":
            self._wait(agent)
        else:
            self._bridging.pass_time(agent, "BridgeWait", None, self._exchange.end)

    def _back(self, agent: Call) -> None:
        with_id = agent.shared.get("CC_WITH", "")
        contact = self._exchange.live.get(with_id)
        if contact is not None:
            contact.shared.update(CC_HELD="", CC_OUTSIDE="")
        self._bridging.bridge(agent, with_id, lambda _talked: self._wait_or_end(agent))

    def _wait_or_end(self, agent: Call) -> None:
        if agent.variables.get("CC_WAITS") == "1":
            self._wait(agent)
        else:
            self._exchange.end(agent)

    def _consult(self, agent: Call) -> None:
        contact = self._exchange.live.get(agent.shared.get("CC_WITH", ""))

        def third(other: Call) -> None:
            if contact is not None:
                contact.shared["CC_THIRD"] = other.uniqueid

        def asked(_status: str) -> None:
            if contact is not None and contact.shared.get("CC_HELD") and not contact.ended:
                contact.shared["CC_OUTSIDE"] = ""
                told = (("Attempt", contact.uniqueid), ("AgentChannel", agent.uniqueid))
                self.tell(agent, "CallcampAskedGone", *told)
                self._held(agent)
            else:
                self._wait_or_end(agent)

        if contact is not None:
            contact.shared["CC_THIRD"] = ""
        whom = agent.variables.get("CC_ASK", "")
        if agent.variables.get("CC_ASK_KIND") == "queue":
            self._queues.join(
                agent, whom, _CONSULT_S, lambda _agent, status: asked(status), prepare=third
            )
        else:
            self._bridging.dial(
                agent, whom, _CONSULT_S, prepare=third, up=lambda _other: None, over=asked
            )
