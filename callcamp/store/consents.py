"""Consents to be called, by number and by what they are for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select, update

from callcamp.core.gate import Consent
from callcamp.errors import Conflict, InvalidInput
from callcamp.store import audit, checks, rows
from callcamp.store import record_tables as r
from callcamp.store.audit import Note
from callcamp.store.columns import maybe_us, to_us
from callcamp.store.many import insert_many

_c = r.consent.c
_MOST_TOLD = 20
_OF = select(r.consent).where(_c.phone.in_(bindparam("ids", expanding=True))).order_by(_c.scope)
_ONE = select(r.consent).where(_c.phone == bindparam("phone"), _c.scope == bindparam("scope"))
# In order: two transactions lock the rows in the same order and cannot deadlock.
_THERE = (
    select(r.consent)
    .where(_c.phone.in_(bindparam("ids", expanding=True)))
    .order_by(_c.phone, _c.scope)
    .with_for_update()
)
_WRITTEN = {
    "phone": "text",
    "scope": "text",
    "source": "text",
    "given_at": "bigint",
    "expires_at": "bigint",
    "revoked_at": "bigint",
}
# Two at the same time end up in one row, on every engine.
_REPLACE = (
    "ON CONFLICT (phone, scope) DO UPDATE SET source = excluded.source,"
    " given_at = excluded.given_at, expires_at = excluded.expires_at,"
    " revoked_at = excluded.revoked_at"
)


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


def checked(consents: Iterable[Consent]) -> list[Consent]:
    """Return consents in order, of each number and scope the last.

    Raises:
        InvalidInput: a number, scope or source is none, or one ends before it was given.
    """
    wanted: dict[tuple[str, str], Consent] = {}
    good: set[tuple[str, str]] = set()
    for consent in consents:
        checks.phone(consent.phone)
        if (consent.scope, consent.source) not in good:
            checks.name(consent.scope, "scope")
            checks.words(consent.source, "source", least=1)
            good.add((consent.scope, consent.source))
        if consent.expires_at is not None and consent.expires_at <= consent.given_at:
            raise InvalidInput(
                f"expires_at is {consent.expires_at.isoformat()}, not after given_at "
                f"({consent.given_at.isoformat()}); give a later instant, or none.",
                field="expires_at",
                value=consent.expires_at.isoformat(),
            )
        wanted[consent.phone, consent.scope] = consent
    return [consent for _key, consent in sorted(wanted.items(), key=itemgetter(0))]


def record_one(connection: Connection, consent: Consent) -> None:
    """Record a consent in place of an earlier one of the same number and scope.

    Raises:
        InvalidInput: it is none.
        Conflict: it was given before the one on record was revoked.
    """
    if not record(connection, checked([consent])):
        raise Conflict(
            f"The consent of {consent.phone} for {consent.scope!r} was revoked after "
            f"{consent.given_at.isoformat()}; give one that was given later.",
            phone=consent.phone,
            scope=consent.scope,
        )


def record(connection: Connection, consents: Sequence[Consent]) -> int:
    """Record consents of :func:`checked` in place of earlier ones of the same number and scope.

    Those given before the one on record was revoked are left out: an old list must not undo
    what somebody said since. Returns how many of them are on record now.
    """
    there = {
        (found.phone, found.scope): found
        for found in map(_consent, rows.by_ids(connection, _THERE, (c.phone for c in consents)))
    }
    valid = [c for c in consents if not _overruled(c, there.get((c.phone, c.scope)))]
    news = [c for c in valid if there.get((c.phone, c.scope)) != c]
    insert_many(
        connection,
        "consent",
        _WRITTEN,
        [
            (
                one.phone,
                one.scope,
                one.source,
                to_us(one.given_at),
                maybe_us(one.expires_at),
                maybe_us(one.revoked_at),
            )
            for one in news
        ],
        _REPLACE,
    )
    audit.note_all(
        connection,
        news,
        lambda one: Note(
            "consent.recorded",
            "consent",
            one.phone,
            before=there.get((one.phone, one.scope)),
            after=one,
        ),
        None,
        scopes=sorted({one.scope for one in news})[:_MOST_TOLD],
        sources=sorted({one.source for one in news})[:_MOST_TOLD],
    )
    return len(valid)


def _overruled(consent: Consent, before: Consent | None) -> bool:
    return (
        consent.revoked_at is None
        and before is not None
        and before.revoked_at is not None
        and consent.given_at < before.revoked_at
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
