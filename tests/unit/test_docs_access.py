"""What the docs say of who may do what is what the table of permissions says."""

from __future__ import annotations

import re
from pathlib import Path

from callcamp.core.permissions import OF_ROLE, OF_SCOPE, Permission, Role, TokenScope

DOCS = Path(__file__).resolve().parents[2] / "docs"


def rows(page: str, heading: str) -> list[list[str]]:
    """Return the cells of the table whose first line begins so."""
    text = (DOCS / page).read_text(encoding="utf-8")
    table = text.partition(heading)[2].partition("\n\n")[0]
    lines = [line for line in table.splitlines()[2:] if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def named(cell: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", cell))


def test_every_permission_has_its_row_with_its_scopes_and_roles() -> None:
    found = {row[0].strip("`"): row for row in rows("security.md", "| Permission |")}
    assert set(found) == set(Permission)
    for permission, (_, _, people, scopes) in found.items():
        having = {scope.value for scope in TokenScope if permission in OF_SCOPE[scope]}
        told = {"all": set(TokenScope), "none": set()}.get(scopes, named(scopes))
        assert told == having, permission
        agents = permission in OF_ROLE[Role.AGENT]
        assert people.startswith("everybody") is agents, permission
        plain = permission in OF_ROLE[Role.SUPERVISOR]
        assert (agents or "supervisors, " in people) is plain, permission


def test_every_role_and_scope_has_its_row() -> None:
    roles = {name for row in rows("users.md", "| role |") for name in named(row[0])}
    assert roles == set(Role)
    scopes = {name for row in rows("users.md", "| scope |") for name in named(row[0])}
    assert scopes == set(TokenScope)
