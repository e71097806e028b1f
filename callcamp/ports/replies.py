"""The contract of answers that are kept, so that the same request is not done twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class KeptReply:
    """What was answered to a request that had a key.

    Args:
        digest: hash of the request.
        status: the status of the answer (None: it is still under way).
        headers: headers of the answer that are worth keeping.
        body: the answer.
    """

    digest: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


class Replies(Protocol):
    """Answers by whoever asked and the key they gave. Every method is one transaction."""

    async def begin_reply(
        self, actor: str, key: str, digest: str, *, now: datetime, since: datetime
    ) -> KeptReply | None:
        """Note that a request is under way; returns what is known under its key already.

        Of two at the same time one is told of the other. What is from before ``since`` is
        deleted.
        """
        ...

    async def keep_reply(self, actor: str, key: str, reply: KeptReply) -> None:
        """Keep the answer of a request that was under way."""
        ...

    async def forget_reply(self, actor: str, key: str) -> None:
        """Forget a request: it may be made again under its key."""
        ...
