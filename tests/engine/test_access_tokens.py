"""Tokens for programs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from accounts_kit import HERE, START, Bench, at_bench

from callcamp.core.permissions import Permission, Role, TokenScope, of_token
from callcamp.errors import Conflict, InvalidInput, NotFound, TooManyLogins


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with at_bench(tmp_path) as one:
        yield one


async def test_a_token_opens_what_its_scopes_say(bench: Bench) -> None:
    ann = await bench.user()
    for scope in TokenScope:
        bearer, token = await bench.access.create_token(ann.id, scope.value, [scope])
        assert bearer.startswith("ccp_")
        assert len(bearer) == 47
        assert bearer.startswith(token.prefix)
        who = await bench.access.principal_of_token(bearer)
        assert who is not None
        assert (who.actor, who.user_id, who.session_id) == (f"token:{scope}", None, None)
        assert who.permissions == of_token([scope])
    assert len(await bench.access.tokens(ann.id)) == len(TokenScope)


async def test_the_last_use_is_noted_once_a_minute(bench: Bench) -> None:
    bearer, _ = await bench.access.create_token(None, "crm", [TokenScope.READ])
    used = []
    for seconds in (0, 59, 1):
        bench.watch.turn(seconds=seconds)
        await bench.access.principal_of_token(bearer)
        (token,) = await bench.access.tokens()
        used.append(token.last_used_at)
    assert used == [START, START, START + timedelta(minutes=1)]


async def test_a_token_ends_when_it_is_over_or_revoked(bench: Bench) -> None:
    until = START + timedelta(days=1)
    bearer, _ = await bench.access.create_token(None, "a", [TokenScope.READ], until)
    other, token = await bench.access.create_token(None, "b", [TokenScope.READ])
    bench.watch.turn(hours=23)
    assert await bench.access.principal_of_token(bearer)
    bench.watch.turn(hours=1)
    assert await bench.access.principal_of_token(bearer) is None
    assert await bench.access.principal_of_token(other)
    await bench.access.revoke_token(token.id)
    await bench.access.revoke_token(token.id)
    assert await bench.access.principal_of_token(other) is None
    for wrong in ("", "ccp_", "Bearer x", other + "x", other[:-1], other.lower(), "x" + other[1:]):
        assert await bench.access.principal_of_token(wrong) is None


async def test_a_token_never_does_more_than_its_maker(bench: Bench) -> None:
    await bench.user()
    agent = await bench.user("eve", Role.AGENT)
    viewer = await bench.user("bob", Role.SUPERVISOR)
    manager = await bench.user("cid", Role.SUPERVISOR, manages_campaigns=True)
    allowed = {
        agent.id: set[str](),
        viewer.id: {"read"},
        manager.id: {"read", "contacts", "manage"},
    }
    for user_id, scopes in allowed.items():
        for scope in TokenScope:
            if scope.value in scopes:
                name = f"{user_id} {scope}"
                assert await bench.access.create_token(user_id, name, [scope])
                continue
            with pytest.raises(InvalidInput, match="more than the account"):
                await bench.access.create_token(user_id, "x", [TokenScope.READ, scope])


async def test_a_token_follows_its_maker(bench: Bench) -> None:
    await bench.user()
    bob = await bench.user("bob", Role.SUPERVISOR, manages_campaigns=True)
    bearer, _ = await bench.access.create_token(bob.id, "crm", [TokenScope.MANAGE])
    await bench.access.change_user(bob.id, manages_campaigns=False)
    who = await bench.access.principal_of_token(bearer)
    assert who is not None
    assert who.may(Permission.VIEW)
    assert not who.may(Permission.MANAGE_CAMPAIGNS)
    assert not who.may(Permission.OWN_ACCOUNT)
    await bench.access.change_user(bob.id, active=False)
    assert await bench.access.principal_of_token(bearer) is None
    await bench.access.change_user(bob.id, active=True)
    assert await bench.access.principal_of_token(bearer) is None
    await bench.access.change_user(bob.id, active=False)
    with pytest.raises(Conflict, match="inactive"):
        await bench.access.create_token(bob.id, "new", [TokenScope.READ])


async def test_one_revokes_ones_own_only(bench: Bench) -> None:
    ann, bob = await bench.user(), await bench.user("bob")
    _, token = await bench.access.create_token(ann.id, "crm", [TokenScope.READ])
    for token_id, of_user in ((token.id, bob.id), (99, ann.id), (99, None)):
        with pytest.raises(NotFound):
            await bench.access.revoke_token(token_id, of_user=of_user)
    await bench.access.revoke_token(token.id, of_user=ann.id)
    assert (await bench.access.tokens())[0].revoked_at


@pytest.mark.parametrize(
    ("name", "scopes", "expires_at"),
    [
        ("", [TokenScope.READ], None),
        ("x" * 65, [TokenScope.READ], None),
        ("a\r\nb", [TokenScope.READ], None),
        ("half \ud83d", [TokenScope.READ], None),
        ("nul\0", [TokenScope.READ], None),
        ("\u202etfel", [TokenScope.READ], None),
        ("ok", [], None),
        ("ok", [TokenScope.READ], START),
        ("ok", [TokenScope.READ], datetime(2027, 1, 1)),  # noqa: DTZ001 - that is the point
    ],
)
async def test_unusable_values_are_named(
    bench: Bench, name: str, scopes: list[TokenScope], expires_at: datetime | None
) -> None:
    with pytest.raises(InvalidInput):
        await bench.access.create_token(None, name, scopes, expires_at)
    assert await bench.access.tokens() == []


async def test_guessing_tokens_is_throttled_by_address(bench: Bench) -> None:
    for _ in range(20):
        await bench.access.note_bad_token(HERE)
    for _ in range(3):
        with pytest.raises(TooManyLogins) as caught:
            await bench.access.note_bad_token(HERE)
        # What is refused is not counted: the pause does not grow by knocking.
        assert caught.value.details == {"retry_after_s": 5}
    await bench.access.note_bad_token("192.0.2.8")
    assert await bench.actions() == ["token.refused"] * 21
    bench.watch.turn(seconds=6)
    await bench.access.note_bad_token(HERE)
    with pytest.raises(TooManyLogins) as caught:
        await bench.access.note_bad_token(HERE)
    assert caught.value.details == {"retry_after_s": 10}


async def test_a_good_token_holds_where_others_guess(bench: Bench) -> None:
    bearer, _ = await bench.access.create_token(None, "crm", {TokenScope.READ})
    for _ in range(20):
        await bench.access.note_bad_token(HERE)
    with pytest.raises(TooManyLogins):
        await bench.access.note_bad_token(HERE)
    assert await bench.access.principal_of_token(bearer) is not None


async def test_many_bad_tokens_at_once_are_no_way_around(bench: Bench) -> None:
    tried = [bench.access.note_bad_token(HERE) for _ in range(60)]
    came_of = await asyncio.gather(*tried, return_exceptions=True)
    refused = sum(isinstance(one, TooManyLogins) for one in came_of)
    # One that is noted while another is being weighed counts twice for that one: never too few.
    assert 40 <= refused < 60
    assert await bench.actions() == ["token.refused"] * (60 - refused)
