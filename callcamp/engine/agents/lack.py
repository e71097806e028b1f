"""Why no agent of a campaign can be given a contact, when none can."""

from __future__ import annotations

from collections.abc import Sequence

from callcamp.core.agents import AgentState
from callcamp.core.reasons import Reason
from callcamp.engine.agents.worker import Worker


def lack_of_agents(workers: Sequence[Worker], *, queue_missing: bool) -> Reason:
    """Name what keeps every agent of a campaign from being given a contact.

    Args:
        workers: its agents on shift, none of whom is free.
        queue_missing: whether Asterisk does not have the queue where contacts meet them.

    Returns:
        The first that is true: the queue is not there, nobody is on shift, all are paused (or
        will be after their call), or no call reaches the others, who are ready. Else
        ``no_agent``: they are busy.
    """
    if queue_missing:
        return Reason.QUEUE_UNKNOWN
    if not workers:
        return Reason.AGENTS_OFFLINE
    willing = [
        worker
        for worker in workers
        if worker.state is not AgentState.PAUSED and worker.pause_wanted is None
    ]
    if not willing:
        return Reason.AGENTS_PAUSED
    if all(_is_cut_off(worker) for worker in willing):
        return Reason.AGENTS_UNREACHABLE
    return Reason.NO_AGENT


def _is_cut_off(worker: Worker) -> bool:
    if worker.state is not AgentState.READY:
        return False
    return bool(worker.problem) or worker.phone_up is False
