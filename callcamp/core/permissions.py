"""Who may do what: one table, for people by their role and for programs by their token's scope."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """What an address, or a use-case, asks of whoever comes.

    ``public`` asks for nothing (log-in page, static files, liveness); ``own_account`` for
    anybody who is logged in, ``agent`` for whoever may work as the agent of the own account's
    name, ``supervise_agents`` for whoever may listen to them, pause them and log them out.
    """

    PUBLIC = "public"
    OWN_ACCOUNT = "own_account"
    AGENT = "agent"
    VIEW = "view"
    SUPERVISE_AGENTS = "supervise_agents"
    FEED_CONTACTS = "feed_contacts"
    MANAGE_CAMPAIGNS = "manage_campaigns"
    ADMINISTER = "administer"


class Role(StrEnum):
    """What a person is here."""

    ADMIN = "admin"
    SUPERVISOR = "supervisor"
    AGENT = "agent"


class TokenScope(StrEnum):
    """What a program may do with an API token."""

    READ = "read"
    CONTACTS = "contacts"
    MANAGE = "manage"
    ADMIN = "admin"


_P = Permission
_EVERYBODY = frozenset({_P.PUBLIC, _P.OWN_ACCOUNT})
_READ = frozenset({_P.PUBLIC, _P.VIEW})
OF_ROLE: dict[Role, frozenset[Permission]] = {
    Role.AGENT: _EVERYBODY | {_P.AGENT},
    Role.SUPERVISOR: _EVERYBODY | {_P.AGENT, _P.VIEW, _P.SUPERVISE_AGENTS},
    Role.ADMIN: frozenset(_P),
}
"""What each role may do."""
MANAGING: frozenset[Permission] = frozenset({_P.FEED_CONTACTS, _P.MANAGE_CAMPAIGNS})
"""What a supervisor with the right "manage campaigns" may do as well."""
OF_SCOPE: dict[TokenScope, frozenset[Permission]] = {
    TokenScope.READ: _READ,
    TokenScope.CONTACTS: _READ | {_P.FEED_CONTACTS},
    TokenScope.MANAGE: _READ | MANAGING | {_P.SUPERVISE_AGENTS},
    TokenScope.ADMIN: _READ | MANAGING | {_P.SUPERVISE_AGENTS, _P.ADMINISTER},
}
"""What each scope of a token may do; a token never acts as an account."""


def of_person(role: Role, *, manages_campaigns: bool = False) -> frozenset[Permission]:
    """Return what a person may do.

    Args:
        role: the role.
        manages_campaigns: of a supervisor: whether with the right "manage campaigns".
    """
    own = OF_ROLE[role]
    return own | MANAGING if role is Role.SUPERVISOR and manages_campaigns else own


def of_token(scopes: Iterable[TokenScope]) -> frozenset[Permission]:
    """Return what a token with these scopes may do."""
    return frozenset({_P.PUBLIC}).union(*(OF_SCOPE[scope] for scope in scopes))


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever makes a request.

    Args:
        actor: for the audit: ``user:NAME``, ``token:NAME`` or ``local`` (nobody has an account
            yet, and callcamp listens on loopback only).
        permissions: what may be done.
        user_id: the account, if a person is logged in.
        session_id: the session, if there is one.
        maker_id: the account that made the token, if a program comes with a token of somebody's.
    """

    actor: str
    permissions: frozenset[Permission]
    user_id: int | None = None
    session_id: str | None = None
    maker_id: int | None = None

    def may(self, permission: Permission) -> bool:
        """Tell whether this is allowed."""
        return permission is Permission.PUBLIC or permission in self.permissions


NOBODY = Principal("nobody", frozenset({Permission.PUBLIC}))
"""Somebody who has not logged in."""
LOCAL = Principal("local", frozenset(Permission) - {Permission.OWN_ACCOUNT})
"""Whoever is on this machine, as long as nobody has an account."""
