"""What keeps other people and other sites out while there are no users and passwords.

callcamp answers on loopback only, to requests that name a loopback host (a page elsewhere
whose name was rebound to 127.0.0.1 does not), and changes things only for its own pages
or for programs that are no browsers.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from callcamp.errors import CallcampError, InvalidInput
from callcamp.ports import acting_as

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: with it browsers send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
"""Headers of every answer."""


class Forbidden(CallcampError):
    """The request may not be made from where it came."""

    id = "forbidden"


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` (a name or an address, without port) is this machine."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_bind(host: str) -> None:
    """Accept an address to listen on.

    Raises:
        InvalidInput: it is not loopback; without users everyone on the network could call.
    """
    if not is_loopback(host):
        raise InvalidInput(
            f"callcamp has no users and passwords yet, so it listens on loopback only, not on "
            f"{host!r}. Set http_host to 127.0.0.1, and reach it from elsewhere through an SSH "
            "tunnel: ssh -L 8080:127.0.0.1:8080 user@this-machine.",
            field="http_host",
            value=host,
        )


def check_host(request: web.Request) -> None:
    """Accept a request that names a loopback host.

    Raises:
        Forbidden: it names another one.
    """
    values = request.headers.getall("Host", [])
    host = _host_name(values[0]) if len(values) == 1 else None
    if host is None or not is_loopback(host):
        raise Forbidden(
            "callcamp answers only to http://127.0.0.1 and http://localhost until it has users."
        )


def check_origin(request: web.Request) -> None:
    """Accept a request that changes something only from our own pages or from no browser.

    Raises:
        Forbidden: a browser sent it from elsewhere.
    """
    if request.method in SAFE_METHODS:
        return
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site")
    own = f"{request.scheme}://{request.headers.get('Host', '')}"
    if (origin is not None and origin.lower() != own.lower()) or (
        site is not None and site not in {"same-origin", "none"}
    ):
        raise Forbidden("This came from a page that is not callcamp's, so nothing was done.")


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Check where a request comes from before anything else happens."""
    check_host(request)
    check_origin(request)
    kind = "api" if request.path.startswith("/api/") else "page"
    with acting_as(f"{kind}:{request.remote or 'unknown'}"):
        return await handler(request)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put the security headers on every answer, streams and files included."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    # Static files may be kept if they are asked after; all else is somebody's data.
    static = request.path.startswith("/static/")
    response.headers.setdefault("Cache-Control", "no-cache" if static else "no-store")


def _host_name(value: str) -> str | None:
    try:
        parts = urlsplit(f"//{value}")
        _ = parts.port
    except ValueError:
        return None
    return parts.hostname if parts.netloc == value and "@" not in value else None
