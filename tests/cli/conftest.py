"""What tests of the command line begin with."""

from __future__ import annotations

from pathlib import Path

import pytest
from campaign_kit import prepare


@pytest.fixture(scope="session")
def with_trunk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with settings, a database and a trunk, to be copied."""
    return prepare(
        tmp_path_factory.mktemp("trunk"),
        ("init",),
        ("trunk", "set", "carrier", "--dial", "PJSIP/{number}@carrier", "--cps", "7"),
    )
