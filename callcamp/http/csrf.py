"""The form token: proves that a form was rendered by this process for this browser.

Whoever is logged in has the HMAC of the session under a key that lives as long as the process.
For everybody else a cookie holds a random value that scripts cannot read, and the token is its
HMAC. SameSite and the Origin check stand before it.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256

from aiohttp import web

from callcamp.errors import CallcampError
from callcamp.http.peer import cookie_name, principal_of, set_cookie

COOKIE = "callcamp_form"
FIELD = "csrf"
HEADER = "X-CSRF-Token"
"""Where a script of our own pages puts the token when it uses the API."""


class StaleForm(CallcampError):
    """A form came without the token of this process and browser."""

    id = "stale_form"


class Csrf:
    """Issues and checks form tokens."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def issue(self, request: web.Request) -> tuple[str, str | None]:
        """Return the token for this browser, and the cookie's value if it has none yet."""
        subject = self._subject(request)
        if subject is not None:
            return self._token(subject), None
        value = secrets.token_urlsafe(24)
        return self._token(f"cookie:{value}"), value

    def set_cookie(self, request: web.Request, response: web.StreamResponse, value: str) -> None:
        """Give the browser its value."""
        set_cookie(request, response, COOKIE, value)

    def check(self, request: web.Request, token: str) -> None:
        """Accept the token of a form.

        Raises:
            StaleForm: it is not the one of this process and browser, or of another session.
        """
        subject = self._subject(request)
        if subject is None or not hmac.compare_digest(
            self._token(subject).encode(), token.encode("utf-8", "replace")
        ):
            raise StaleForm(
                "This form is from before callcamp was restarted or you logged in, or not from "
                "its pages. Load the page again and repeat what you did."
            )

    def _subject(self, request: web.Request) -> str | None:
        session = principal_of(request).session_id
        if session is not None:
            return f"session:{session}"
        value = request.cookies.get(cookie_name(request, COOKIE), "")
        return f"cookie:{value}" if 20 <= len(value) <= 100 else None

    def _token(self, subject: str) -> str:
        return hmac.new(self._key, subject.encode("utf-8", "replace"), sha256).hexdigest()
