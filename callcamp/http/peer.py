"""Who sends a request: from what address, over what, under what name, and as whom."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from urllib.parse import urlsplit

from aiohttp import web

from callcamp.core.permissions import NOBODY, Principal
from callcamp.settings import Settings

SETTINGS = web.AppKey("settings", Settings)
PRINCIPAL = web.RequestKey("principal", Principal)

_Networks = Collection[IPv4Network | IPv6Network]
_FORWARDED = frozenset({"forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip"})
_FORWARDED_STARTS = ("x-forwarded-", "x-original-", "cf-")


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a request comes from.

    Args:
        address: of the browser or program; a trusted proxy's word counts, nobody else's.
        secure: whether it came over https.
        host: the host that it names, without port; None when it names none, or nonsense.
        direct: whether ``address`` is known: no proxy that is not trusted, or that keeps silent
            about whom it asks for, stands between.
    """

    address: str
    secure: bool
    host: str | None
    direct: bool

    @property
    def is_local(self) -> bool:
        """Whether it comes from this machine, to a name of this machine."""
        return (
            self.direct
            and is_loopback(self.address)
            and self.host is not None
            and is_loopback(self.host)
        )


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` (a name or an address, without port) is this machine."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def peer_of(request: web.Request) -> Peer:
    """Return where a request comes from, by the settings on proxies."""
    remote, trusted = request.remote or "", request.app[SETTINGS].http_trusted_proxies
    host = host_of(request)
    if not _is_one_of(remote, trusted):
        names = {name.lower() for name in request.headers}
        direct = not any(name in _FORWARDED or name.startswith(_FORWARDED_STARTS) for name in names)
        return Peer(remote or "unknown", request.secure, host, direct)
    told = _listed(request, "X-Forwarded-For")
    secure = _listed(request, "X-Forwarded-Proto")[-1:] == ["https"]
    # A proxy that does not say for whom it asks could be asking for anybody.
    return Peer(_forwarded_for(remote, told, trusted), secure, host, bool(told))


def host_of(request: web.Request) -> str | None:
    """Return the host that a request names, without port; None for none, two or nonsense."""
    values = request.headers.getall("Host", [])
    if len(values) != 1:
        return None
    try:
        parts = urlsplit(f"//{values[0]}")
        _ = parts.port
    except ValueError:
        return None
    return parts.hostname if parts.netloc == values[0] and "@" not in values[0] else None


def principal_of(request: web.Request) -> Principal:
    """Return as whom a request comes; nobody until that was found out."""
    found: Principal = request.get(PRINCIPAL, NOBODY)
    return found


def cookie_name(request: web.Request, name: str) -> str:
    """Return a cookie's name for this request.

    Over https it begins with ``__Host-``: no other host and no page over http can set it.
    """
    return f"__Host-{name}" if _secure_cookies(request) else name


def set_cookie(request: web.Request, response: web.StreamResponse, name: str, value: str) -> None:
    """Set a cookie for this host alone, out of the reach of scripts and other sites.

    An empty value takes it away. It goes with the browser's session.
    """
    secure = _secure_cookies(request)
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=None if value else 0,
        httponly=True,
        secure=secure,
        samesite="Lax",
        path="/",
    )


def _secure_cookies(request: web.Request) -> bool:
    return peer_of(request).secure or request.app[SETTINGS].http_secure_cookies


def _forwarded_for(remote: str, told: list[str], trusted: _Networks) -> str:
    """Return the last address that no trusted proxy added: earlier ones anybody can write."""
    for text in reversed(told):
        try:
            address = str(ipaddress.ip_address(text))
        except ValueError:
            return remote
        if not _is_one_of(address, trusted):
            return address
        remote = address
    return remote


def _listed(request: web.Request, name: str) -> list[str]:
    values = ",".join(request.headers.getall(name, []))
    return [value.strip().lower() for value in values.split(",") if value.strip()]


def _is_one_of(address: str, networks: _Networks) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in networks)
