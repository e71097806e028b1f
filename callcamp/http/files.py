"""Where the templates and static files are, in a checkout and in an installed package."""

from __future__ import annotations

from pathlib import Path

import callcamp
from callcamp.errors import CallcampError


def web_dir() -> Path:
    """Return the folder that holds ``templates/`` and ``static/``.

    Raises:
        CallcampError: the installation lacks them.
    """
    package = Path(callcamp.__file__).resolve().parent
    for folder in (package / "_data" / "web", package.parent / "web"):
        if (folder / "templates").is_dir():
            return folder
    raise CallcampError(
        "The web pages are missing from this installation; install callcamp again.",
        looked_in=str(package),
    )
