"""The form token: proves that a form was rendered by this process for this browser.

The cookie holds a random value that scripts cannot read; the token in the form is its HMAC
under a key that lives as long as the process. SameSite and the Origin check stand before it.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256

from aiohttp import web

from callcamp.errors import CallcampError

COOKIE = "callcamp_form"
FIELD = "csrf"


class StaleForm(CallcampError):
    """A form came without the token of this process and browser."""

    id = "stale_form"


class Csrf:
    """Issues and checks form tokens."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def issue(self, request: web.Request) -> tuple[str, str | None]:
        """Return the token for this browser, and the cookie's value if it has none yet."""
        value = request.cookies.get(COOKIE, "")
        if 20 <= len(value) <= 100:
            return self._token(value), None
        value = secrets.token_urlsafe(24)
        return self._token(value), value

    def set_cookie(self, response: web.StreamResponse, value: str) -> None:
        """Give the browser its value."""
        response.set_cookie(COOKIE, value, httponly=True, samesite="Lax", path="/")

    def check(self, request: web.Request, token: str) -> None:
        """Accept the token of a form.

        Raises:
            StaleForm: it is not the one of this process and browser.
        """
        value = request.cookies.get(COOKIE, "")
        if not value or not hmac.compare_digest(self._token(value).encode(), token.encode()):
            raise StaleForm(
                "This form is from before callcamp was restarted, or not from its pages. "
                "Load the page again and repeat what you did."
            )

    def _token(self, value: str) -> str:
        return hmac.new(self._key, value.encode(), sha256).hexdigest()
