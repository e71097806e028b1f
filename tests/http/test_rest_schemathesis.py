"""The whole API against its own description: what is sent is made up, and all checks hold."""

from __future__ import annotations

import os
import re
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from access_kit import PASSWORD
from rest_kit import Served, serve
from schemathesis.engine import events, from_schema
from web_fakes import FakeEngine

from callcamp.core.permissions import Role, TokenScope
from callcamp.errors import Conflict
from callcamp.http.rest.table import REST_ROUTES

EXAMPLES = int(os.environ.get("CALLCAMP_API_EXAMPLES", "9"))
"""Cases that are made up for each address, beside those that the description itself calls for."""
OWN_TOKEN_ID = "2"
KEPT_CAMPAIGN_ID = "1"
CONCRETE = {"fmt": "csv", "preview_id": "0" * 32}
"""Parts of paths that are neither numbers nor names."""
LEAST = 5000
"""Cases of the whole run, at least, with that many examples."""
# What JSON Schema cannot say is refused as well: numbers that nobody can have, hours that never
# open, rules that contradict each other, versions that are gone.
MAY_BE_REFUSED = ["2xx", "400", "401", "403", "404", "409", "412", "413"]
REFUSED = ["400", "401", "403", "404", "405", "409", "412", "413", "415", "428"]


def _config(token: str | None, examples: int, *, whole: bool) -> Any:
    return schemathesis.Config.from_dict(
        {
            "seed": 20261121,
            "continue-on-failure": True,
            "headers": {"Authorization": f"Bearer {token}"} if token else {},
            "warnings": False,
            "checks": {
                "positive_data_acceptance": {"expected-statuses": MAY_BE_REFUSED},
                "negative_data_rejection": {"expected-statuses": REFUSED},
                "missing_required_header": {"expected-statuses": REFUSED},
            },
            "generation": {
                "max-examples": examples,
                "no-shrink": True,
                "deterministic": True,
                "database": "none",
            },
            "phases": {"stateful": {"enabled": False}, "coverage": {"enabled": whole}},
        }
    )


def _fresh(served: Served, token: str | None) -> Any:
    """Have good keys be new ones and good versions the present ones, so that things are done."""
    keys = count(1)
    own = {"Authorization": f"Bearer {token}"} if token else {}

    def before_call(context: Any, case: Any, kwargs: Any) -> None:
        headers = case.headers or {}
        if case.path.startswith("/api/v1/tokens/"):
            # Whoever revokes the token of this run sees nothing but 401 from then on.
            parameters = case.path_parameters or {}
            if str(parameters.get("token_id")) == OWN_TOKEN_ID:
                parameters["token_id"] = 1
        if (case.method, case.path) == ("DELETE", "/api/v1/campaigns/{campaign_id}"):
            # Nor would anything be found of the campaign that all others are asked about.
            parameters = case.path_parameters or {}
            if str(parameters.get("campaign_id")) == KEPT_CAMPAIGN_ID:
                parameters["campaign_id"] = 2
        key, version = headers.get("Idempotency-Key"), headers.get("If-Match")
        if isinstance(key, str) and re.fullmatch(r"[\x21-\x7e]{1,190}", key) and next(keys) % 4:
            headers["Idempotency-Key"] = f"{key}{next(keys)}"
        if isinstance(version, str) and re.fullmatch(r'"[0-9]+"', version) and next(keys) % 4:
            where = served.url + case.formatted_path
            found = requests.get(where, headers=own, timeout=30).headers.get("ETag")
            headers["If-Match"] = found or version

    return before_call


def run(served: Served, token: str | None, examples: int, *, whole: bool) -> tuple[int, list[str]]:
    """Send what is made up; returns how many cases that were, and what was wrong, in words."""
    schema = schemathesis.openapi.from_url(
        f"{served.url}/api/openapi.json", config=_config(token, examples, whole=whole)
    )
    if token is not None:
        # It answers for as long as somebody listens; a test of its own does.
        schema = schema.exclude(path="/api/v1/live")
    before_call = schemathesis.hook(_fresh(served, token))
    cases, problems = 0, Counter[str]()
    try:
        for event in from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                cases += len(event.recorder.interactions)
                for case_id, checks in event.recorder.checks.items():
                    for check in checks:
                        if check.failure_info is None:
                            continue
                        case = event.recorder.cases[case_id].value
                        failure = check.failure_info.failure
                        problems[
                            f"{case.method} {case.path} {check.name}: {failure.title}: "
                            f"{str(failure.message)[:600]}\n{check.failure_info.code_sample[:900]}"
                        ] += 1
            elif isinstance(event, events.NonFatalError | events.FatalError):
                problems[repr(getattr(event, "value", getattr(event, "exception", event)))] += 1
    finally:
        schemathesis.hooks.unregister(before_call)
    return cases, list(problems)


async def _prepare(engine: FakeEngine) -> None:
    campaign = await engine.campaign("Spring", 20)
    await engine.commands.lists.save_number("+33123456789")
    await engine.commands.lists.save_filter("people", ["city = Paris"])
    await engine.commands.lists.add_person("+33612345678", variables={"city": "Paris"})
    await engine.commands.lists.suppress(["+12025559999"], source="test")
    assert campaign.id == 1


def _keep(engine: FakeEngine) -> None:
    """Keep whoever asks from taking their own account or token away."""
    change, revoke = engine.access.change_user, engine.access.revoke_token

    async def change_user(user_id: int, **changes: Any) -> Any:
        if user_id == 1:
            raise Conflict("This account is needed.")
        return await change(user_id, **changes)

    async def revoke_token(token_id: int, **of: Any) -> None:
        if token_id == 1:
            raise Conflict("This token is needed.")
        await revoke(token_id, **of)

    engine.access.change_user = change_user
    engine.access.revoke_token = revoke_token


@pytest.mark.timeout(900)
def test_nothing_made_up_breaks_the_description(tmp_path: Path) -> None:
    """All checks, over every address, by somebody who may do everything."""
    token: dict[str, str] = {}

    async def prepare(engine: FakeEngine) -> None:
        await _prepare(engine)
        await engine.access.add_user("ada", PASSWORD, role=Role.ADMIN)
        await engine.access.create_token(None, "another", {TokenScope.READ}, None)
        # Of nobody's account: whatever is done to accounts, it holds.
        secret, own = await engine.access.create_token(None, "all", {TokenScope.ADMIN}, None)
        assert str(own.id) == OWN_TOKEN_ID
        token["value"] = secret

    with serve(tmp_path, prepare) as served:
        cases, problems = run(served, token["value"], EXAMPLES, whole=True)
    assert not problems, f"{len(problems)} of {cases} cases:\n\n" + "\n\n".join(problems[:12])
    assert not [status for status in served.statuses if status >= 500], served.statuses
    assert served.statuses[401] < cases / 100, served.statuses
    assert EXAMPLES < 9 or cases >= LEAST, (cases, served.statuses)


def test_strangers_get_nothing_but_the_description(tmp_path: Path) -> None:
    """Without a token every address answers 401, whatever is sent."""

    async def prepare(engine: FakeEngine) -> None:
        await _prepare(engine)
        await engine.access.add_user("ada", PASSWORD, role=Role.ADMIN)

    with serve(tmp_path, prepare) as served:
        _cases, problems = run(served, None, 1, whole=False)
        assert not problems, "\n\n".join(problems[:12])
        assert set(served.statuses) <= {200, 401, 404, 405}, served.statuses
        for route in REST_ROUTES:
            path = route.template.replace("{campaign_id}", "1").replace("{phone}", "+33612345678")
            for name in route.parameters:
                path = path.replace(f"{{{name}}}", CONCRETE.get(name, "1"))
            answer = requests.request(route.method, served.url + path, timeout=30)
            assert answer.status_code == (200 if path == "/api/openapi.json" else 401), path
