"""Agents' own phones as sections of pjsip.conf.

The sections use the templates of ``asterisk/pjsip_callcamp_agents.conf``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from callcamp.core.agents import Agent, PhoneKind
from callcamp.errors import InvalidInput

_TEMPLATE = {PhoneKind.BROWSER: "callcamp-browser", PhoneKind.SIP: "callcamp-desk"}
# Neither a comment, nor a line, nor a section can begin with these, nor a template be named.
_ENDPOINT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", re.ASCII)
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)
_HEAD = """\
; Phones of callcamp's agents. Written by `callcamp agent phones --asterisk`: do not edit.
; It holds passwords: keep it at mode 640. Templates: pjsip_callcamp_agents.conf
"""


def phone_sections(phones: Iterable[tuple[Agent, str]]) -> str:
    """Return the sections of pjsip.conf for phones that register.

    Args:
        phones: agents whose phone is in a browser or on a desk, each with its SIP password.

    Raises:
        InvalidInput: a name or password cannot be written, two agents have one endpoint, or a
            phone is none that registers.
    """
    parts, whose = [_HEAD], dict[str, str]()
    for agent, secret in phones:
        name = agent.phone.address
        template = _TEMPLATE.get(agent.phone.kind)
        if template is None or not _ENDPOINT.fullmatch(name):
            raise InvalidInput(
                f"The phone of the agent {agent.name} is {name!r}, which Asterisk cannot have as "
                "an endpoint; give letters, digits, dots, underscores and hyphens.",
                field="address",
                value=name,
            )
        if name in whose:
            raise InvalidInput(
                f"The agents {whose[name]} and {agent.name} have the same phone {name!r}; give "
                "each an endpoint of their own.",
                field="address",
                value=name,
            )
        if not _SECRET.fullmatch(secret):
            # The value is not told: it is a password.
            raise InvalidInput(
                f"The phone password of the agent {agent.name} cannot be written into "
                "pjsip.conf; renew it.",
                field="password",
            )
        whose[name] = agent.name
        parts.append(
            f"""
[{name}]({template})
auth = {name}
aors = {name}

[{name}](callcamp-phone-auth)
username = {name}
password = {secret}

[{name}](callcamp-phone-aor)
"""
        )
    return "".join(parts)
