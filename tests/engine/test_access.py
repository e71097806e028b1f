"""Accounts, log-ins and sessions, as people meet them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from accounts_kit import HERE, OTHER, PASSWORD, Bench, at_bench, cheap

from callcamp.core import totp
from callcamp.core.permissions import Permission, Role
from callcamp.engine import passwords as passwords_
from callcamp.engine.passwords import MOST, Passwords, check_password
from callcamp.errors import (
    BadLogin,
    CallcampError,
    CodeNeeded,
    Conflict,
    InvalidInput,
    NotFound,
    TooBusy,
    TooManyLogins,
)

HOSTILE = [
    "",
    " ",
    "x" * 100_000,
    "'; DROP TABLE account; --",
    "nul\0",
    "half \ud83d",
    "\u202etfel",
    "<script>alert(1)</script>",
    "a\r\nSet-Cookie: x",
]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with at_bench(tmp_path) as one:
        yield one


async def refused(bench: Bench, times: int, name: str = "ann", **given: Any) -> None:
    for _ in range(times):
        with pytest.raises(BadLogin):
            await bench.log_in(name, "wrong password", **given)


async def test_whoever_knows_the_password_gets_in(bench: Bench) -> None:
    ann = await bench.user(" Ann ")
    assert ann.name == "ann"
    secret = await bench.log_in("ANN ")
    who = await bench.access.principal_of_session(secret)
    assert who is not None
    assert (who.actor, who.user_id) == ("user:ann", ann.id)
    assert who.may(Permission.ADMINISTER)
    assert (await bench.access.user(ann.id)).last_login_at == bench.watch.at
    again = await bench.log_in()
    assert again != secret
    assert len(await bench.access.sessions(ann.id)) == 2
    await bench.access.log_out(secret)
    await bench.access.log_out(secret)
    assert await bench.access.principal_of_session(secret) is None
    assert await bench.access.principal_of_session(again)
    assert await bench.access.log_out_everywhere(ann.id) == 1
    assert await bench.access.principal_of_session(again) is None
    entry = next(e for e in await bench.store.audit() if e.action == "login.accepted")
    assert (entry.actor, entry.after) == ("user:ann", {"address": HERE})


async def test_no_refusal_tells_why(bench: Bench) -> None:
    await bench.user()
    gone = await bench.user("gone", Role.AGENT)
    await bench.access.change_user(gone.id, active=False)
    coded = await bench.user("coded", Role.AGENT)
    await with_codes(bench, coded.id)
    told = set()
    for name, password, code in (
        ("ann", "wrong password", None),
        ("nobody", PASSWORD, None),
        ("gone", PASSWORD, None),
        ("coded", PASSWORD, "000000"),
        ("coded", "wrong password", None),
        ("ann", "", None),
        ("ann", PASSWORD + "\ud83d", None),
        ("ann", "x" * 100_000, None),
    ):
        with pytest.raises(BadLogin) as caught:
            await bench.log_in(name, password, code=code)
        told.add(repr(caught.value.as_dict()))
    assert len(told) == 1
    assert (await bench.actions()).count("login.refused") == 8


async def test_a_name_that_is_none_costs_a_hash_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.user()
    checked: list[bool] = []
    verify = passwords_.PasswordHasher.verify

    def spy(self: Any, kept: str, password: str) -> bool:
        checked.append(kept.startswith("$argon2id$"))
        return bool(verify(self, kept, password))

    monkeypatch.setattr(passwords_.PasswordHasher, "verify", spy)
    for name in ("ann", "nobody"):
        await refused(bench, 1, name)
    assert checked == [True, True]
    assert not await Passwords.fits(cheap(), "nobody has this password\0", None)


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_log_ins_are_refused(bench: Bench, text: str) -> None:
    await bench.user()
    for given in ({"name": text}, {"password": text}, {"name": text, "password": text}):
        with pytest.raises(BadLogin):
            await bench.log_in(**given)
    assert await bench.access.principal_of_session(text) is None
    assert await bench.access.principal_of_token(text) is None
    assert await bench.access.principal_of_token(f"ccp_{text}") is None
    await bench.access.log_out(text)
    assert await bench.log_in(agent=text, address=HERE)
    for entry in await bench.store.audit():
        assert len(entry.subject) <= 64


async def test_names_are_plain(bench: Bench) -> None:
    for name in (*HOSTILE, "ünal", "-ann", "a b", "x" * 65):
        with pytest.raises(InvalidInput, match="name is"):
            await bench.user(name)
    await bench.user("ann.smith_1@example-2.com")
    with pytest.raises(Conflict):
        await bench.user("ANN.smith_1@example-2.com")


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "x" * 9,
        "x" * 12,
        "Password123",
        "QWERTYUIOP",
        "Ann.Smith.1",
        "1.htims.nna",
        "p" * (MOST + 1),
        "half of \ud83d a pair",
        "nul \0 in it here",
        "line\nbreak in it",
    ],
)
async def test_weak_and_odd_passwords_are_refused_and_not_repeated(password: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_password("ann.smith.1", password)
    assert not password or password not in str(caught.value.as_dict())


def test_good_passwords_are_taken_in_one_form() -> None:
    assert check_password("ann", PASSWORD) == PASSWORD
    assert check_password("ann", "u\u0308ber den Wolken") == "\u00fcber den Wolken"
    assert check_password("ann", "密码密码一二三四五六七")


async def test_a_password_of_any_writing_fits_in_both_its_forms(bench: Bench) -> None:
    await bench.access.add_user("ann", "u\u0308ber den Wolken 密码", role=Role.ADMIN)
    assert await bench.log_in(password="\u00fcber den Wolken 密码")
    assert await bench.log_in(password="u\u0308ber den Wolken 密码")


async def test_pauses_grow_after_five_failures_and_end(bench: Bench) -> None:
    await bench.user()
    await refused(bench, 5)
    for pause_s in (5, 10, 20):
        with pytest.raises(TooManyLogins) as caught:
            await bench.log_in()
        assert caught.value.details == {"retry_after_s": pause_s}
        bench.watch.turn(seconds=pause_s + 1)
        await refused(bench, 1)
    bench.watch.turn(seconds=41)
    assert await bench.log_in()
    await refused(bench, 5)


async def test_a_name_that_is_none_pauses_alike(bench: Bench) -> None:
    await refused(bench, 5, "nobody")
    with pytest.raises(TooManyLogins):
        await bench.log_in("nobody")


async def test_an_address_pauses_after_twenty_names(bench: Bench) -> None:
    await bench.user()
    for n in range(20):
        await refused(bench, 1, f"name{n}", address=f"2001:db8::{n}")
    with pytest.raises(TooManyLogins):
        await bench.log_in(address="2001:db8::ffff")
    assert await bench.log_in(address="2001:db8:0:1::1")
    bench.watch.turn(minutes=16)
    assert await bench.log_in(address="2001:db8::1")


async def test_many_guesses_at_once_are_no_way_around(bench: Bench) -> None:
    await bench.user()
    ended = await asyncio.gather(
        *(bench.log_in(password=f"wrong password {n}") for n in range(40)), return_exceptions=True
    )
    kinds = [type(one).__name__ for one in ended]
    assert kinds.count("BadLogin") == 5
    assert kinds.count("TooManyLogins") == 35
    assert not bench.access._trying


async def test_more_hashes_than_can_wait_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passwords_, "MOST_WAITING", 3)
    one = cheap()
    ended = await asyncio.gather(*(one.hash(PASSWORD) for _ in range(5)), return_exceptions=True)
    assert [type(e).__name__ for e in ended] == ["str"] * 3 + ["TooBusy"] * 2
    assert all(e.details["retry_after_s"] > 0 for e in ended if isinstance(e, TooBusy))
    assert issubclass(TooManyLogins, TooBusy)
    assert await one.fits(PASSWORD, str(ended[0]))


async def test_sessions_end_when_idle_and_when_old(bench: Bench) -> None:
    ann = await bench.user()
    idle, used = await bench.log_in(), await bench.log_in()
    for _ in range(12):
        bench.watch.turn(minutes=59)
        assert await bench.access.principal_of_session(used)
    assert await bench.access.principal_of_session(idle) is None
    bench.watch.turn(minutes=15)
    assert await bench.access.principal_of_session(used) is None
    assert await bench.access.sessions(ann.id) == []


async def test_the_last_use_is_noted_once_a_minute(bench: Bench) -> None:
    ann = await bench.user()
    secret, began = await bench.log_in(), bench.watch.at
    for seconds, seen_after in ((59, 0), (1, 60), (30, 60)):
        bench.watch.turn(seconds=seconds)
        await bench.access.principal_of_session(secret)
        (session,) = await bench.access.sessions(ann.id)
        assert (session.seen_at - began).total_seconds() == seen_after


async def test_what_an_account_may_do_changes_at_once(bench: Bench) -> None:
    await bench.user()
    bob = await bench.user("bob", Role.SUPERVISOR, manages_campaigns=True)
    secret = await bench.log_in("bob")

    async def may() -> list[bool]:
        who = await bench.access.principal_of_session(secret)
        assert who is not None
        return [who.may(p) for p in (Permission.MANAGE_CAMPAIGNS, Permission.VIEW)]

    assert await may() == [True, True]
    await bench.access.change_user(bob.id, manages_campaigns=False)
    assert await may() == [False, True]
    await bench.access.change_user(bob.id, manages_campaigns=True)
    changed = await bench.access.change_user(bob.id, role=Role.AGENT)
    assert not changed.manages_campaigns
    assert await may() == [False, False]
    await bench.access.change_user(bob.id, active=False)
    assert await bench.access.principal_of_session(secret) is None
    await bench.access.change_user(bob.id, active=True)
    assert await bench.access.principal_of_session(secret) is None
    for right in ({"role": Role.ADMIN}, {}):
        with pytest.raises(InvalidInput, match="supervisors only"):
            await bench.access.change_user(bob.id, manages_campaigns=True, **right)
    with pytest.raises(InvalidInput):
        await bench.user("eve", Role.AGENT, manages_campaigns=True)


async def test_passwords_are_changed_by_who_knows_the_old_one(bench: Bench) -> None:
    ann = await bench.user()
    secret = await bench.log_in()
    with pytest.raises(BadLogin):
        await bench.access.change_password(ann.id, "wrong password", OTHER)
    with pytest.raises(InvalidInput):
        await bench.access.change_password(ann.id, PASSWORD, "short")
    assert await bench.access.principal_of_session(secret)
    await bench.access.change_password(ann.id, PASSWORD, OTHER)
    assert await bench.access.principal_of_session(secret) is None
    await refused(bench, 1)
    secret = await bench.log_in(password=OTHER)
    await bench.access.reset_password(ann.id, PASSWORD)
    assert await bench.access.principal_of_session(secret) is None
    assert await bench.log_in()
    for _ in range(5):
        with pytest.raises(BadLogin):
            await bench.access.change_password(ann.id, "wrong password", OTHER)
    with pytest.raises(TooManyLogins):
        await bench.access.change_password(ann.id, PASSWORD, OTHER)


async def test_a_log_in_that_a_new_password_overtakes_opens_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await bench.user()
    add_session = bench.store.add_session

    async def overtaken(session: Any) -> None:
        await bench.access.reset_password(ann.id, OTHER)
        await add_session(session)

    monkeypatch.setattr(bench.store, "add_session", overtaken)
    with pytest.raises(BadLogin):
        await bench.log_in()
    assert await bench.access.sessions(ann.id) == []


async def test_hashes_of_before_are_made_anew(bench: Bench) -> None:
    await bench.user()
    old = (await bench.store.credentials("ann") or [])[1]
    first = await bench.log_in()
    bench.access = bench.another(cheap(time_cost=2))
    second = await bench.log_in()
    new = (await bench.store.credentials("ann") or [])[1]
    assert "t=1" in old
    assert "t=2" in new
    assert await bench.access.principal_of_session(first)
    assert await bench.access.principal_of_session(second)
    assert await bench.log_in()


async def with_codes(bench: Bench, user_id: int) -> bytes:
    secret, uri = await bench.access.begin_totp(user_id)
    assert secret in uri
    plain = totp.decoded(secret)
    assert plain is not None
    await bench.access.confirm_totp(user_id, secret, code_now(bench, plain))
    bench.watch.turn(seconds=30)
    return plain


def code_now(bench: Bench, secret: bytes) -> str:
    return totp.code_at(secret, int(bench.watch.at.timestamp()) // totp.STEP_S)


async def test_a_code_is_asked_for_and_taken_once(bench: Bench) -> None:
    ann = await bench.user()
    secret = await with_codes(bench, ann.id)
    for code in (None, ""):
        with pytest.raises(CodeNeeded):
            await bench.log_in(code=code)
    code = code_now(bench, secret)
    assert await bench.log_in(code=code)
    with pytest.raises(BadLogin):
        await bench.log_in(code=code)
    bench.watch.turn(seconds=30)
    both = await asyncio.gather(
        *(bench.log_in(code=code_now(bench, secret)) for _ in range(2)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in both) == ["BadLogin", "str"]
    with pytest.raises(Conflict):
        await bench.access.begin_totp(ann.id)
    await bench.access.disable_totp(ann.id)
    await bench.access.disable_totp(ann.id)
    assert await bench.log_in()


async def test_an_open_session_is_not_enough_to_turn_codes_off(bench: Bench) -> None:
    ann = await bench.user()
    await with_codes(bench, ann.id)
    for password in ("", "wrong"):
        with pytest.raises(BadLogin):
            await bench.access.disable_own_totp(ann.id, password)
    assert (await bench.access.user(ann.id)).has_totp
    await bench.access.disable_own_totp(ann.id, PASSWORD)
    assert not (await bench.access.user(ann.id)).has_totp
    for _ in range(3):
        with pytest.raises(BadLogin):
            await bench.access.disable_own_totp(ann.id, "wrong")
    with pytest.raises(TooManyLogins):
        await bench.access.disable_own_totp(ann.id, PASSWORD)


async def test_the_code_that_turned_codes_on_opens_nothing(bench: Bench) -> None:
    ann = await bench.user()
    secret, _ = await bench.access.begin_totp(ann.id)
    code = code_now(bench, totp.decoded(secret) or b"")
    await bench.access.confirm_totp(ann.id, secret, code)
    with pytest.raises(BadLogin):
        await bench.log_in(code=code)


async def test_guessing_codes_is_throttled(bench: Bench) -> None:
    ann = await bench.user()
    await with_codes(bench, ann.id)
    for _ in range(5):
        with pytest.raises(BadLogin):
            await bench.log_in(code="nonsense")
    with pytest.raises(TooManyLogins):
        await bench.log_in(code="nonsense")


@pytest.mark.parametrize("secret", ["", "A" * 31, "\ud83d", "é" * 32])
async def test_secrets_that_nobody_gave_out_are_refused(bench: Bench, secret: str) -> None:
    ann = await bench.user()
    with pytest.raises(InvalidInput):
        await bench.access.confirm_totp(ann.id, secret, "123456")
    good, _ = await bench.access.begin_totp(ann.id)
    with pytest.raises(InvalidInput) as caught:
        await bench.access.confirm_totp(ann.id, good, "nonsense")
    assert good not in str(caught.value.as_dict())
    assert not (await bench.access.user(ann.id)).has_totp


async def test_who_is_there_is_told_at_once_here_and_soon_elsewhere(bench: Bench) -> None:
    here, there = bench.access, bench.another()
    assert not await here.has_users()
    assert not await there.has_admin()
    bob = await here.add_user("bob", PASSWORD, role=Role.SUPERVISOR)
    assert (await here.has_users(), await here.has_admin()) == (True, False)
    assert not await there.has_users()
    bench.watch.turn(seconds=2)
    assert (await there.has_users(), await there.has_admin()) == (True, False)
    await here.change_user(bob.id, role=Role.ADMIN)
    assert await here.has_admin()


async def test_what_is_not_there_is_named(bench: Bench) -> None:
    access = bench.access
    for work in (
        access.user(9),
        access.user_named("nobody"),
        access.user_named("\ud83d"),
        access.reset_password(9, PASSWORD),
        access.change_user(9, active=False),
        access.log_out_everywhere(9),
        access.begin_totp(9),
        access.disable_totp(9),
        access.change_password(9, PASSWORD, OTHER),
    ):
        with pytest.raises(NotFound):
            await work
    ann = await bench.user()
    assert await access.user_named(" ANN") == ann
    assert await access.users() == [replace(ann)]


async def test_secrets_are_nowhere(
    bench: Bench, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    ann = await bench.user()
    wrong = "a password that is wrong"
    errors: list[CallcampError] = []
    for given in ({"password": wrong}, {"name": "nobody", "password": wrong}):
        with pytest.raises(BadLogin) as caught:
            await bench.log_in(**given)
        errors.append(caught.value)
    secret = await bench.log_in()
    bearer, token = await bench.access.create_token(ann.id, "crm", ["admin"])  # type: ignore[list-item]
    await bench.access.change_password(ann.id, PASSWORD, OTHER)
    who = await bench.access.principal_of_token(bearer)
    seen = [ann, token, who, bench.access, await bench.store.audit(limit=1000), errors]
    seen += [vars(error) for error in errors]
    text = repr(seen) + caplog.text + str(capsys.readouterr())
    data = b"".join(path.read_bytes() for path in bench.file.parent.iterdir() if path.is_file())
    assert b"$argon2id$" in data
    for hidden in (PASSWORD, OTHER, wrong, secret, bearer, bearer.removeprefix("ccp_")):
        assert hidden not in text
        assert hidden.encode() not in data
    assert "$argon2id$" not in text
