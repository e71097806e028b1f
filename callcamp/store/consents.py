"""Consents to be called, by number and by what they are for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select, text, update

from callcamp.core.gate import Consent
from callcamp.errors import InvalidInput
from callcamp.store import audit, checks, rows
from callcamp.store import record_tables as r
from callcamp.store.columns import Instant

_c = r.consent.c
_OF = select(r.consent).where(_c.phone.in_(bindparam("ids", expanding=True))).order_by(_c.scope)
_ONE = select(r.consent).where(_c.phone == bindparam("phone"), _c.scope == bindparam("scope"))
# One statement: two at the same time end up in one row, on every engine.
_SAVE = text(
    "INSERT INTO consent (phone, scope, source, given_at, expires_at, revoked_at)"
    " VALUES (:phone, :scope, :source, :given_at, :expires_at, :revoked_at)"
    " ON CONFLICT (phone, scope) DO UPDATE SET source = excluded.source,"
    " given_at = excluded.given_at, expires_at = excluded.expires_at,"
    " revoked_at = excluded.revoked_at"
).bindparams(*(bindparam(name, type_=Instant) for name in ("given_at", "expires_at", "revoked_at")))


def consents_of(connection: Connection, phones: Iterable[str]) -> dict[str, list[Consent]]:
    """Return the consents on record by number, by scope; revoked and expired ones included.

    Numbers without any are left out.
    """
    found: dict[str, list[Consent]] = {}
    for row in rows.by_ids(connection, _OF, phones):
        found.setdefault(row.phone, []).append(_consent(row))
    return found


def of_number(connection: Connection, phone: str) -> list[Consent]:
    """Return the consents on record of one number, by scope."""
    return consents_of(connection, [checks.phone(phone)]).get(phone, [])


def record(connection: Connection, consent: Consent) -> None:
    """Record a consent in place of an earlier one of the same number and scope.

    Raises:
        InvalidInput: its number, scope or source is none, or it ends before it was given.
    """
    checks.phone(consent.phone)
    checks.name(consent.scope, "scope")
    checks.words(consent.source, "source", least=1)
    if consent.expires_at is not None and consent.expires_at <= consent.given_at:
        raise InvalidInput(
            f"expires_at is {consent.expires_at.isoformat()}, not after given_at "
            f"({consent.given_at.isoformat()}); give a later instant, or none.",
            field="expires_at",
            value=consent.expires_at.isoformat(),
        )
    before = _one(connection, consent.phone, consent.scope, for_update=True)
    if before == consent:
        return
    connection.execute(_SAVE, {name: getattr(consent, name) for name in _c.keys()})  # noqa: SIM118
    audit.note(
        connection,
        action="consent.recorded",
        kind="consent",
        subject=consent.phone,
        before=before,
        after=consent,
    )


def revoke(connection: Connection, phone: str, scope: str, now: datetime) -> bool:
    """Note that a consent was revoked; False: none holds, or will hold."""
    checks.phone(phone)
    before = _one(connection, phone, checks.name(scope, "scope"), for_update=True)
    revoked = connection.execute(
        update(r.consent)
        .where(
            _c.phone == phone,
            _c.scope == scope,
            or_(_c.expires_at.is_(None), _c.expires_at > now),
            or_(_c.revoked_at.is_(None), _c.revoked_at > now),
        )
        .values(revoked_at=now)
    ).rowcount
    if not revoked:
        return False
    audit.note(
        connection,
        action="consent.revoked",
        kind="consent",
        subject=phone,
        before=before,
        after=_one(connection, phone, scope),
        now=now,
    )
    return True


def _one(
    connection: Connection, phone: str, scope: str, *, for_update: bool = False
) -> Consent | None:
    statement = _ONE.with_for_update() if for_update else _ONE
    row = connection.execute(statement, {"phone": phone, "scope": scope}).one_or_none()
    return None if row is None else _consent(row)


def _consent(row: Sequence[Any]) -> Consent:
    return Consent(*row)
