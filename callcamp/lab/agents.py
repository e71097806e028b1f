"""The agents of the lab: phones that a second SIPp plays, each as a PJSIP endpoint.

An endpoint's name says how its phone behaves, such as ``agent-7`` or ``agent-silent-1``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from callcamp.errors import LabError
from callcamp.lab.steps import (
    DEAD_PORT,
    answer,
    goto,
    hanging_up,
    label,
    listen,
    look_at_invite,
    match,
    play,
    refusing,
    ring,
    scenario,
)

_SHIFT_MS: Final = 8 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class PhoneKind:
    """A kind of agent's phone.

    Attributes:
        slug: its name; the endpoints are ``agent-<slug>-<n>``, of the plain ones ``agent-<n>``.
        count: how many there are, from 1.
        description: what it does, as a sentence for people.
    """

    slug: str
    count: int
    description: str

    def endpoint(self, index: int) -> str:
        """Return the name of the ``index``-th endpoint, from 1."""
        return f"agent-{self.slug}-{index}" if self.slug else f"agent-{index}"


PHONE_KINDS: Final = (
    PhoneKind("", 40, "Answers at once, says nothing, stays on the line."),
    PhoneKind("speaks", 5, "Answers at once, says hello, stays on the line."),
    PhoneKind("late", 5, "Rings for a second and a half, then answers and stays on the line."),
    PhoneKind("leaves", 5, "Answers at once and hangs up after three seconds."),
    PhoneKind("silent", 5, "Rings and is never answered."),
    PhoneKind("busy", 2, "Refuses with 486 Busy Here."),
)
"""All the phones."""


def agent_interface(index: int = 1, slug: str = "") -> str:
    """Return what to dial to reach the ``index``-th (from 1) agent's phone of a kind.

    Raises:
        LabError: the lab has no such phone.
    """
    for kind in PHONE_KINDS:
        if kind.slug == slug and 0 < index <= kind.count:
            return f"PJSIP/{kind.endpoint(index)}"
    raise LabError(f"The lab has no agent's phone {slug!r} number {index}.", slug=slug, index=index)


def endpoints(port: int) -> str:
    """Return the sections of ``pjsip.conf`` for all phones, at 127.0.0.1:``port``."""
    text = (
        "[lab-agent](!)\ntype = endpoint\ntransport = transport-udp\n"
        "context = callcamp-no-incoming\ndisallow = all\nallow = ulaw\ndirect_media = no\n"
    )
    for kind in PHONE_KINDS:
        for index in range(1, kind.count + 1):
            name = kind.endpoint(index)
            text += f"[{name}](lab-agent)\naors = {name}\n"
            text += f"[{name}]\ntype = aor\ncontact = sip:{name}@127.0.0.1:{port}\n"
    return text


def render(sounds: str) -> str:
    """Return the SIPp scenario of all phones as XML; ``sounds`` as for the callees'."""
    kinds = [kind.slug for kind in PHONE_KINDS if kind.slug]
    return scenario(
        "callcamp agents",
        *look_at_invite(*(match(f"^agent-{slug}-[0-9]+$", f"is{slug}") for slug in kinds)),
        *(f'<nop next="{slug}" test="is{slug}"/>' for slug in kinds),
        goto("plain"),
        label("plain"),
        *answer(DEAD_PORT),
        listen(_SHIFT_MS, "hang_up"),
        label("speaks"),
        *answer(),
        play(f"{sounds}/person.ul"),
        listen(_SHIFT_MS, "hang_up"),
        label("late"),
        *ring(1500, "plain"),
        label("leaves"),
        *answer(DEAD_PORT),
        listen(3000, "hang_up"),
        label("silent"),
        *ring(300_000, "fail480"),
        label("busy"),
        goto("fail486"),
        *hanging_up(),
        *refusing(480, 486),
    )
