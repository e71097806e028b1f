"""Accounts, their sessions, and failed log-ins; tokens are in :mod:`callcamp.store.tokens`.

What is secret (hashes of passwords, secrets of one-time codes) is read by :func:`credentials`
alone; all else selects its columns by name, so that no secret comes near the audit.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from callcamp.core.permissions import Role
from callcamp.errors import Conflict, NotFound
from callcamp.ports import Session, User
from callcamp.store import access_tables as a
from callcamp.store import audit, checks

KEEP_FAILURES = timedelta(days=1)
"""How long failed log-ins are kept; what is asked of them is minutes old."""
MOST_KEY = 200
"""Characters of a key of failed log-ins, at most."""
_MOST_TRIED = 64

_u, _s, _f = a.account.c, a.login_session.c, a.login_failure.c
COLUMNS = (
    _u.id,
    _u.name,
    _u.role,
    _u.manages_campaigns,
    _u.active,
    _u.totp_secret.is_not(None).label("has_totp"),
    _u.created_at,
    _u.last_login_at,
)
"""The columns of :func:`user_of`: all but secrets."""
_SESSION = (_s.id, _s.user_id, _s.created_at, _s.seen_at, _s.address, _s.agent)


def user_of(row: Any) -> User:
    """Return an account from :data:`COLUMNS`."""
    id_, name, role, manages, active, has_totp, created_at, last_login_at = row
    return User(id_, name, Role(role), manages, active, bool(has_totp), created_at, last_login_at)


def add(
    connection: Connection,
    name: str,
    password_hash: str,
    *,
    role: Role,
    manages_campaigns: bool,
    now: datetime,
) -> User:
    """Add an account.

    Raises:
        Conflict: there is one of that name.
        InvalidInput: the name is none.
    """
    values = {
        "name": checks.name(name),
        "password_hash": password_hash,
        "role": role.value,
        "manages_campaigns": manages_campaigns,
        "active": True,
        "totp_step": 0,
        "created_at": now,
    }
    try:
        with connection.begin_nested():
            user_id = connection.execute(insert(a.account).returning(_u.id), values).scalar_one()
    except IntegrityError:
        raise Conflict(
            f"There is an account {name!r} already; choose another name.",
            field="name",
            value=name,
        ) from None
    added = user(connection, user_id)
    _note(connection, "user.added", added, before=None, after=_told(added), now=now)
    return added


def change(
    connection: Connection,
    user_id: int,
    *,
    role: Role | None,
    manages_campaigns: bool | None,
    active: bool | None,
    now: datetime,
) -> User:
    """Change an account; None leaves as it is.

    Raises:
        NotFound: there is no such account.
        Conflict: no active administrator would be left.
    """
    is_admin = (_u.role == Role.ADMIN.value, _u.active.is_(True))
    # Locked in one order: two administrators who remove each other come one after the other.
    admins = set(
        connection.scalars(select(_u.id).where(*is_admin).order_by(_u.id).with_for_update())
    )
    before = user(connection, user_id)
    given = {"role": role, "manages_campaigns": manages_campaigns, "active": active}
    values = {key: value for key, value in given.items() if value is not None}
    if not values:
        return before
    stays = values.get("role", before.role) is Role.ADMIN and values.get("active", before.active)
    if admins == {user_id} and not stays:
        raise Conflict(
            f"{before.name} is the only active administrator; make another one first.",
            name=before.name,
        )
    connection.execute(update(a.account).where(_u.id == user_id).values(values))
    after = user(connection, user_id)
    if _told(after) != _told(before):
        _note(connection, "user.changed", after, before=_told(before), after=_told(after), now=now)
    if not after.active:
        end_sessions(connection, None, user_id, now)
        from callcamp.store import tokens

        tokens.revoke_all(connection, user_id, now)
    return after


def set_password(connection: Connection, user_id: int, password_hash: str, now: datetime) -> None:
    """Change a password; every session of the account ends.

    Raises:
        NotFound: there is no such account.
    """
    of = user(connection, user_id)
    connection.execute(
        update(a.account).where(_u.id == user_id).values(password_hash=password_hash)
    )
    _note(connection, "user.password_changed", of, before=None, after=None, now=now)
    end_sessions(connection, None, user_id, now)


def replace_hash(connection: Connection, user_id: int, old_hash: str, new_hash: str) -> bool:
    """Put a hash in place of another; False: that is not there any more."""
    there = (_u.id == user_id, _u.password_hash == old_hash)
    done = connection.execute(update(a.account).where(*there).values(password_hash=new_hash))
    return done.rowcount > 0


def set_totp(connection: Connection, user_id: int, secret: str | None, now: datetime) -> None:
    """Keep the secret of one-time codes, or forget it.

    Raises:
        NotFound: there is no such account.
    """
    before = user(connection, user_id)
    # The step stays: what was used once with a secret of before is not taken again.
    connection.execute(update(a.account).where(_u.id == user_id).values(totp_secret=secret))
    after = user(connection, user_id)
    action = "user.codes_asked" if after.has_totp else "user.codes_off"
    _note(
        connection,
        action,
        after,
        before={"has_totp": before.has_totp},
        after={"has_totp": after.has_totp},
        now=now,
    )


def users(connection: Connection) -> list[User]:
    """Return all accounts by name."""
    return [user_of(row) for row in connection.execute(select(*COLUMNS).order_by(_u.name))]


def user(connection: Connection, user_id: int) -> User:
    """Return one account.

    Raises:
        NotFound: there is none.
    """
    row = connection.execute(select(*COLUMNS).where(_u.id == user_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no account {user_id}.", kind="user", key=user_id)
    return user_of(row)


def credentials(connection: Connection, name: str) -> tuple[User, str, str | None, int] | None:
    """Return an account, its password hash, its TOTP secret and the last step used."""
    # A name that no account can have (a NUL, half a character) must not reach the driver.
    if not name.isprintable():
        return None
    row = connection.execute(
        select(*COLUMNS, _u.password_hash, _u.totp_secret, _u.totp_step).where(_u.name == name)
    ).one_or_none()
    return None if row is None else (user_of(row[:-3]), *row[-3:])


def note_totp_step(connection: Connection, user_id: int, step: int) -> bool:
    """Note that a code was used; False when it, or a later one, was."""
    unused = (_u.id == user_id, _u.totp_step < step)
    return connection.execute(update(a.account).where(*unused).values(totp_step=step)).rowcount > 0


def add_session(connection: Connection, session: Session) -> None:
    """Keep a session, and note the log-in.

    Raises:
        NotFound: there is no such account.
    """
    of = user(connection, session.user_id)
    address = checks.fitting(session.address, 64)
    values = {
        "id": session.id,
        "user_id": session.user_id,
        "created_at": session.created_at,
        "seen_at": session.seen_at,
        "address": address,
        "agent": checks.fitting(session.agent, 200),
    }
    connection.execute(insert(a.login_session), values)
    at = session.created_at
    connection.execute(update(a.account).where(_u.id == of.id).values(last_login_at=at))
    audit.note(
        connection,
        action="login.accepted",
        kind="login",
        subject=of.name,
        after={"address": address},
        now=at,
    )


def session(connection: Connection, session_id: str) -> tuple[Session, User] | None:
    """Return a session with its account."""
    row = connection.execute(
        select(*_SESSION, *COLUMNS)
        .join_from(a.login_session, a.account, _s.user_id == _u.id)
        .where(_s.id == checks.fitting(session_id))
    ).one_or_none()
    if row is None:
        return None
    cut = len(_SESSION)
    return Session(*row[:cut]), user_of(row[cut:])


def touch_session(connection: Connection, session_id: str, now: datetime) -> None:
    """Note that a session was used."""
    connection.execute(
        update(a.login_session).where(_s.id == session_id, _s.seen_at < now).values(seen_at=now)
    )


def end_sessions(
    connection: Connection, session_id: str | None, user_id: int | None, now: datetime
) -> int:
    """End one session, all of an account, or one of an account; returns how many."""
    statement = delete(a.login_session).returning(_s.user_id)
    if session_id is not None:
        statement = statement.where(_s.id == checks.fitting(session_id))
    if user_id is not None:
        statement = statement.where(_s.user_id == user_id)
    if session_id is None and user_id is None:
        return 0
    ended = list(connection.scalars(statement))
    for one in sorted(set(ended)):
        of = user(connection, one)
        count = {"sessions": ended.count(one)}
        _note(connection, "user.logged_out", of, before=None, after=count, now=now)
    return len(ended)


def sessions(connection: Connection, user_id: int) -> list[Session]:
    """Return the sessions of an account, last used first."""
    found = connection.execute(
        select(*_SESSION).where(_s.user_id == user_id).order_by(_s.seen_at.desc(), _s.id)
    )
    return [Session(*row) for row in found]


def purge_sessions(connection: Connection, idle_since: datetime, begun_before: datetime) -> int:
    """Delete sessions that are over; returns how many."""
    over = (_s.seen_at < idle_since) | (_s.created_at < begun_before)
    return connection.execute(delete(a.login_session).where(over)).rowcount


def note_failed(connection: Connection, key: str, address: str, now: datetime) -> None:
    """Count a failed log-in, and forget those of long ago."""
    connection.execute(delete(a.login_failure).where(_f.at < now - KEEP_FAILURES))
    values = {"key": checks.fitting(key, MOST_KEY), "at": now}
    connection.execute(insert(a.login_failure), values)
    kind, _, tried = key.partition(":")
    if kind == "address":
        return
    at = {"address": checks.fitting(address, 64)}
    is_name = kind == "name"
    audit.note(
        connection,
        action="login.refused" if is_name else "token.refused",
        kind="login" if is_name else "token",
        subject=tried[:_MOST_TRIED] if is_name else "unknown",
        after=at,
        now=now,
    )


def failed(connection: Connection, keys: list[str], since: datetime) -> dict[str, int]:
    """Return how many log-ins failed since, by key."""
    kept = {checks.fitting(key, MOST_KEY): key for key in keys}
    counted = (
        select(_f.key.label("key"), func.count().label("n"))
        .where(_f.key.in_(sorted(kept)), _f.at >= since)
        .group_by(_f.key)
    )
    return {kept[row.key]: row.n for row in connection.execute(counted)}


def clear_failed(connection: Connection, key: str) -> None:
    """Forget the failed log-ins of a key."""
    kept = checks.fitting(key, MOST_KEY)
    connection.execute(delete(a.login_failure).where(_f.key == kept))


def _told(of: User) -> dict[str, Any]:
    """Return what the audit tells of an account."""
    return {
        "role": of.role,
        "manages_campaigns": of.manages_campaigns,
        "active": of.active,
    }


def _note(
    connection: Connection, action: str, of: User, *, before: Any, after: Any, now: datetime
) -> None:
    audit.note(
        connection,
        action=action,
        kind="user",
        subject=of.name,
        before=before,
        after=after,
        now=now,
    )
