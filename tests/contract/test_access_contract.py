"""What every store promises of accounts, sessions, tokens and failed log-ins."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from records_kit import NO_NAMES, entries, noted
from store_kit import HOSTILE, NOW, opened, sql

from callcamp.core.permissions import Role, TokenScope
from callcamp.errors import Conflict, InvalidInput, NotFound
from callcamp.ports import ApiToken, Session, User
from callcamp.store import SqlStore

LATER = NOW + timedelta(hours=1)
HASH = "$argon2id$not-a-real-hash"


async def added(store: SqlStore, name: str = "ann", role: Role = Role.ADMIN) -> User:
    return await store.add_user(name, HASH, role=role, now=NOW)


def a_session(user: User, session_id: str = "5e" * 32, **changes: Any) -> Session:
    return replace(Session(session_id, user.id, NOW, NOW, "192.0.2.7", "a browser"), **changes)


def a_token(user: User | None = None, name: str = "crm", **changes: Any) -> ApiToken:
    scopes = frozenset({TokenScope.READ, TokenScope.CONTACTS})
    owner = None if user is None else user.id
    return replace(ApiToken(0, name, owner, scopes, "ccp_abcdefgh", NOW), **changes)


async def test_accounts_are_added_listed_and_found(store: SqlStore, url: str) -> None:
    ann = await added(store)
    assert ann == User(ann.id, "ann", Role.ADMIN, False, True, False, NOW, None)
    bob = await store.add_user("bob", HASH, role=Role.SUPERVISOR, manages_campaigns=True, now=LATER)
    async with opened(url) as another:
        assert await another.users() == [ann, bob]
        assert await another.user(bob.id) == bob
        assert await another.credentials("bob") == (bob, HASH, None, 0)
    assert await store.credentials("Ann") is None
    with pytest.raises(Conflict, match="'ann'"):
        await added(store)
    with pytest.raises(NotFound):
        await store.user(99)


@pytest.mark.parametrize("name", NO_NAMES)
async def test_names_that_are_none_are_refused(store: SqlStore, name: str) -> None:
    with pytest.raises(InvalidInput):
        await added(store, name)
    assert await store.credentials(name) is None
    assert await store.users() == []


async def test_an_account_is_changed_and_the_audit_tells_what(store: SqlStore) -> None:
    await added(store)
    bob = await added(store, "bob", Role.AGENT)
    changed = await store.change_user(
        bob.id, role=Role.SUPERVISOR, manages_campaigns=True, now=LATER
    )
    assert (changed.role, changed.manages_campaigns) == (Role.SUPERVISOR, True)
    assert await store.change_user(bob.id, now=LATER) == changed
    assert await store.change_user(bob.id, role=Role.SUPERVISOR, now=LATER) == changed
    before = {"role": "agent", "manages_campaigns": False, "active": True}
    after = {"role": "supervisor", "manages_campaigns": True, "active": True}
    assert (await noted(store, kind="user"))[1:] == [
        ("user.added", "bob", None, before),
        ("user.changed", "bob", before, after),
    ]
    with pytest.raises(NotFound):
        await store.change_user(99, active=False, now=NOW)


@pytest.mark.parametrize("change", [{"active": False}, {"role": Role.SUPERVISOR}])
async def test_the_last_administrator_stays(store: SqlStore, change: dict[str, Any]) -> None:
    ann, bob = await added(store), await added(store, "bob")
    await store.change_user(bob.id, **change, now=LATER)
    with pytest.raises(Conflict, match="only active administrator"):
        await store.change_user(ann.id, **change, now=LATER)
    assert (await store.user(ann.id)) == ann


async def test_two_administrators_cannot_remove_each_other(store: SqlStore) -> None:
    ann, bob = await added(store), await added(store, "bob")
    ended = await asyncio.gather(
        *(store.change_user(one.id, active=False, now=LATER) for one in (ann, bob)),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in ended) == ["Conflict", "User"]
    assert sum(user.active for user in await store.users()) == 1


async def test_an_inactive_account_has_no_sessions_and_no_tokens(store: SqlStore) -> None:
    await added(store)
    bob = await added(store, "bob", Role.SUPERVISOR)
    await store.add_session(a_session(bob))
    mine = await store.add_token(a_token(bob), "h1")
    other = await store.add_token(a_token(name="other"), "h2")
    await store.change_user(bob.id, active=False, now=LATER)
    assert await store.session("5e" * 32) is None
    assert (await store.tokens(bob.id)) == [replace(mine, revoked_at=LATER)]
    assert other in await store.tokens()
    actions = [entry.action for entry in await entries(store)]
    assert actions[-3:] == ["user.changed", "user.logged_out", "token.revoked"]


async def test_a_new_password_ends_the_sessions_of_its_account_only(store: SqlStore) -> None:
    ann, bob = await added(store), await added(store, "bob")
    await store.add_session(a_session(ann))
    await store.add_session(a_session(bob, "b0" * 32))
    await store.set_password(ann.id, "new hash", now=LATER)
    assert (await store.credentials("ann") or [])[1] == "new hash"
    assert await store.sessions(ann.id) == []
    assert len(await store.sessions(bob.id)) == 1
    assert ("user.password_changed", "ann", None, None) in await noted(store, kind="user")
    with pytest.raises(NotFound):
        await store.set_password(99, "x", now=NOW)


async def test_a_hash_made_anew_ends_nothing(store: SqlStore) -> None:
    ann = await added(store)
    await store.add_session(a_session(ann))
    assert not await store.replace_hash(ann.id, "another", "x")
    assert await store.replace_hash(ann.id, HASH, "anew")
    assert (await store.credentials("ann") or [])[1] == "anew"
    assert len(await store.sessions(ann.id)) == 1


async def test_one_time_codes_are_asked_for_and_used_once(store: SqlStore) -> None:
    ann = await added(store)
    await store.set_totp(ann.id, "SECRET234567", now=LATER)
    found = await store.credentials("ann")
    assert found is not None
    assert (found[0].has_totp, found[2], found[3]) == (True, "SECRET234567", 0)
    both = await asyncio.gather(*(store.note_totp_step(ann.id, 7) for _ in range(2)))
    assert sorted(both) == [False, True]
    assert not await store.note_totp_step(ann.id, 6)
    assert await store.note_totp_step(ann.id, 8)
    await store.set_totp(ann.id, None, now=LATER)
    assert not (await store.user(ann.id)).has_totp
    assert not await store.note_totp_step(ann.id, 8)
    told = await noted(store, kind="user")
    assert [one[0] for one in told[1:]] == ["user.codes_asked", "user.codes_off"]
    assert "SECRET" not in str(told)


async def test_a_session_is_kept_used_and_ended(store: SqlStore, url: str) -> None:
    ann = await added(store)
    session = a_session(ann)
    await store.add_session(session)
    async with opened(url) as another:
        found = await another.session(session.id)
    assert found == (session, replace(ann, last_login_at=NOW))
    await store.touch_session(session.id, now=LATER)
    await store.touch_session(session.id, now=NOW)
    assert [one.seen_at for one in await store.sessions(ann.id)] == [LATER]
    assert ("login.accepted", "ann", None, {"address": "192.0.2.7"}) in await noted(store)
    assert await store.end_sessions(session_id=session.id, now=LATER) == 1
    assert await store.end_sessions(session_id=session.id, now=LATER) == 0
    assert await store.end_sessions(now=LATER) == 0
    assert await store.session(session.id) is None
    assert ("user.logged_out", "ann", None, {"sessions": 1}) in await noted(store)


@pytest.mark.parametrize("text", HOSTILE)
async def test_what_a_browser_says_of_itself_is_kept_harmlessly(store: SqlStore, text: str) -> None:
    ann = await added(store)
    await store.add_session(a_session(ann, address=text, agent=text * 300))
    (one,) = await store.sessions(ann.id)
    assert len(one.agent) <= 200
    assert await store.session(text) is None
    assert await store.token_by_hash(text) is None


async def test_all_sessions_of_an_account_end_and_others_go_on(store: SqlStore) -> None:
    ann, bob = await added(store), await added(store, "bob")
    for user, name in ((ann, "a1"), (ann, "a2"), (bob, "b1")):
        await store.add_session(a_session(user, name * 32))
    assert await store.end_sessions(user_id=ann.id, now=LATER) == 2
    assert [one.id for one in await store.sessions(bob.id)] == ["b1" * 32]


async def test_sessions_of_long_ago_are_deleted(store: SqlStore) -> None:
    ann = await added(store)
    minutes = [timedelta(minutes=n) for n in range(4)]
    await store.add_session(a_session(ann, "idle", seen_at=NOW))
    await store.add_session(a_session(ann, "old", created_at=NOW - minutes[3], seen_at=LATER))
    await store.add_session(a_session(ann, "good", seen_at=LATER))
    gone = await store.purge_sessions(idle_since=NOW + minutes[1], begun_before=NOW - minutes[1])
    assert gone == 2
    assert [one.id for one in await store.sessions(ann.id)] == ["good"]


async def test_tokens_are_found_by_their_hash_alone(store: SqlStore, url: str) -> None:
    ann = await added(store)
    token = await store.add_token(a_token(ann, expires_at=LATER), "h1")
    assert token.id > 0
    free = await store.add_token(a_token(name="free"), "h2")
    async with opened(url) as another:
        assert await another.token_by_hash("h1") == (token, ann)
        assert await another.token_by_hash("h2") == (free, None)
        assert await another.token_by_hash("h3") is None
        assert await another.tokens() == [free, token]
        assert await another.tokens(ann.id) == [token]
    await store.note_token_used(token.id, now=LATER)
    assert (await store.tokens(ann.id))[0].last_used_at == LATER
    with pytest.raises(NotFound):
        await store.add_token(a_token(user_id=99, name="x"), "h4")


async def test_a_name_is_free_again_when_its_token_is_revoked(store: SqlStore) -> None:
    first = await store.add_token(a_token(), "h1")
    with pytest.raises(Conflict, match="'crm'"):
        await store.add_token(a_token(), "h2")
    await store.revoke_token(first.id, now=LATER)
    await store.revoke_token(first.id, now=LATER + timedelta(hours=1))
    assert (await store.tokens())[0].revoked_at == LATER
    await store.add_token(a_token(), "h2")
    actions = [one[0] for one in await noted(store, kind="token")]
    assert actions == ["token.created", "token.revoked", "token.created"]
    with pytest.raises(NotFound):
        await store.revoke_token(99, now=NOW)
    assert "h1" not in str(await noted(store))


@pytest.mark.parametrize("name", NO_NAMES)
async def test_names_of_tokens_are_looked_at(store: SqlStore, name: str) -> None:
    with pytest.raises(InvalidInput):
        await store.add_token(a_token(name=name), "h")


async def test_failed_log_ins_are_counted_by_key(store: SqlStore) -> None:
    keys = ["name:ann", "address:192.0.2.7", "token:192.0.2.7"]
    for at in (NOW, LATER):
        for key in keys:
            await store.note_login_failed(key, address="192.0.2.7", now=at)
    assert await store.failed_logins(keys, since=NOW) == dict.fromkeys(keys, 2)
    assert await store.failed_logins(keys[:1], since=LATER) == {"name:ann": 1}
    assert await store.failed_logins(["name:bob"], since=NOW) == {}
    assert await store.failed_logins([], since=NOW) == {}
    await store.clear_failed_logins("name:ann")
    assert await store.failed_logins(keys[:2], since=NOW) == {keys[1]: 2}
    at = {"address": "192.0.2.7"}
    told = [("login.refused", "ann", None, at), ("token.refused", "unknown", None, at)]
    assert await noted(store) == told * 2


async def test_failed_log_ins_of_long_ago_are_forgotten(store: SqlStore, url: str) -> None:
    await store.note_login_failed("name:ann", now=NOW)
    await store.note_login_failed("name:ann", now=NOW + timedelta(days=2))
    assert len(sql(url, "SELECT key FROM login_failure")) == 1


@pytest.mark.parametrize("name", HOSTILE)
async def test_names_that_somebody_tried_are_harmless(store: SqlStore, name: str) -> None:
    key = f"name:{name * 300}"
    await store.note_login_failed(key, address=name, now=NOW)
    assert await store.failed_logins([key], since=NOW) == {key: 1}
    (one,) = await store.audit()
    assert len(one.subject) <= 64
    assert not one.subject or one.subject.isprintable()
    await store.clear_failed_logins(key)
    assert await store.failed_logins([key], since=NOW) == {}
