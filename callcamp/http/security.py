"""What keeps other sites out, and callcamp off the network until it has an administrator.

callcamp answers only to requests that name one of its own hosts (a page elsewhere whose name
was rebound to its address does not), and changes things only for its own pages or for
programs that are no browsers. Who may do what is :mod:`callcamp.http.auth`'s.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import urlsplit

from aiohttp import web

from callcamp.errors import CallcampError, InvalidInput
from callcamp.http.peer import SETTINGS, is_loopback, peer_of
from callcamp.settings import Settings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "Server": "callcamp",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: with it browsers send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(self), geolocation=(), payment=()",
}
"""Headers of every answer."""
HSTS = "max-age=31536000"
"""What an answer over https says as well: from now on for a year, https only."""

_POLICY = "Content-Security-Policy"
_EVERYWHERE = frozenset({"", "0.0.0.0", "::", "*"})  # noqa: S104 - compared with, not bound to


class Forbidden(CallcampError):
    """The request may not be made from where it came."""

    id = "forbidden"


def check_bind(host: str, *, has_admin: bool = False, allowed_hosts: Iterable[str] = ()) -> None:
    """Accept an address to listen on.

    Args:
        host: the address.
        has_admin: whether there is an active administrator.
        allowed_hosts: under which names callcamp may be called, besides ``host``.

    Raises:
        InvalidInput: it is not loopback, and there is no administrator yet, or no name under
            which the pages may be called.
    """
    if is_loopback(host):
        return
    if not has_admin:
        raise InvalidInput(
            f"There is no administrator yet, so callcamp listens on loopback only, not on "
            f"{host!r}. Make one with `callcamp init`; or set http_host to 127.0.0.1 and reach "
            "it from elsewhere through an SSH tunnel: "
            "ssh -L 8080:127.0.0.1:8080 user@this-machine.",
            field="http_host",
            value=host,
        )
    if host in _EVERYWHERE and not list(allowed_hosts):
        raise InvalidInput(
            f"http_host is {host!r}, all addresses of this machine: list the names and addresses "
            "that people type into their browsers in http_allowed_hosts, such as "
            '["callcamp.example.com"].',
            field="http_allowed_hosts",
            value=[],
        )


def check_host(request: web.Request) -> None:
    """Accept a request that names a host of callcamp's.

    Raises:
        Forbidden: it names another one.
    """
    host = peer_of(request).host
    if host is None or not (is_loopback(host) or host in own_hosts(request.app[SETTINGS])):
        raise Forbidden(
            "callcamp does not answer under this name. It does at http://127.0.0.1 and "
            "http://localhost, and under the names in the setting http_allowed_hosts."
        )


def own_hosts(settings: Settings) -> frozenset[str]:
    """Return the names and addresses under which callcamp answers, besides loopback ones."""
    named = {host.lower() for host in settings.http_allowed_hosts}
    return frozenset(named | ({settings.http_host.lower()} - _EVERYWHERE))


def phone_origin(settings: Settings) -> str:
    """Return where pages may open a WebSocket to besides callcamp itself; empty: nowhere."""
    parts = urlsplit(settings.phone_ws_url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def check_origin(request: web.Request) -> None:
    """Accept a request that changes something only from our own pages or from no browser.

    Raises:
        Forbidden: a browser sent it from elsewhere.
    """
    if request.method in SAFE_METHODS:
        return
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site")
    scheme = "https" if peer_of(request).secure else "http"
    own = f"{scheme}://{request.headers.get('Host', '')}"
    if (origin is not None and origin.lower() != own.lower()) or (
        site is not None and site not in {"same-origin", "none"}
    ):
        raise Forbidden("This came from a page that is not callcamp's, so nothing was done.")


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Check where a request comes from before anything else happens."""
    check_host(request)
    check_origin(request)
    return await handler(request)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put the security headers on every answer, streams and files included."""
    if phones := phone_origin(request.app[SETTINGS]):
        policy = f"{HEADERS[_POLICY]}; connect-src 'self' {phones}"
        response.headers.setdefault(_POLICY, policy)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    # aiohttp has put its own version and Python's there, which strangers need not know.
    response.headers["Server"] = HEADERS["Server"]
    if peer_of(request).secure:
        response.headers.setdefault("Strict-Transport-Security", HSTS)
    # Static files may be kept if they are asked after; all else is somebody's data.
    static = request.path.startswith("/static/")
    response.headers.setdefault("Cache-Control", "no-cache" if static else "no-store")
