"""Which addresses a webhook may be sent to: nothing inside the network callcamp stands in.

Sources: the IANA special-purpose address registries (RFC 6890), as Python's ``ipaddress`` has
them; RFC 6052 (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo) for addresses inside addresses; the
WHATWG URL standard for hosts that are numbers.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from callcamp.errors import InvalidInput

MOST_URL = 2000
"""Characters of an address, at most."""
_NAT64 = IPv6Network("64:ff9b::/96")
# The metadata service of a cloud, at an address that the registries call public.
_METADATA = frozenset({IPv4Address("168.63.129.16")})
# Special ones that Python's tables take for public: protocols' own (clouds have used some for
# their metadata), the relay of 6to4, documentation.
_SPECIAL = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("3fff::/20"),
)
_PLAIN = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_FIELD = "url"


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public network.

    Private, loopback, link-local (where clouds have their metadata), shared, reserved,
    multicast and unspecified ones are not, nor are those that hide one of them inside.

    Args:
        address: in the canonical form; anything else is not public.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        inner = _inside(found)
        if inner is not None:
            return is_public(str(inner))
        if found.teredo is not None or found.is_site_local:
            return False
    return not (
        found in _METADATA
        or any(found in network for network in _SPECIAL)
        or not found.is_global
        or found.is_multicast
        or found.is_reserved
        or found.is_unspecified
    )


def _inside(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def check_url(url: str, *, allow_private: bool = False) -> str:
    """Return the host of an address that webhooks may be sent to, as far as it shows.

    A name still has to be resolved, and what it resolves to be asked of :func:`is_public`.

    Args:
        url: the address.
        allow_private: whether addresses that are not public are allowed as well.

    Raises:
        InvalidInput: it is no such address.
    """
    if len(url) > MOST_URL:
        raise _refused(f"has {len(url)} characters; give {MOST_URL} at most")
    if not _PLAIN.fullmatch(url):
        raise _refused(
            "is empty or has blanks, quotes or other letters than ASCII in it; encode them"
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _refused("is no address; give one such as https://example.com/hook") from None
    if parts.scheme not in {"http", "https"} or not host or port == 0:
        raise _refused("is no web address; give one such as https://example.com/hook")
    if parts.username is not None or parts.password is not None:
        raise _refused("has a user or a password in it; the signature tells who sends")
    if "#" in url:
        raise _refused("has a fragment, which is never sent; leave out # and what follows")
    check_host(host, allow_private=allow_private)
    return host


def check_host(host: str, *, allow_private: bool = False) -> None:
    """Make sure that a host that is an IP address is a public one; names pass.

    Args:
        host: as it stands in an address, without brackets.
        allow_private: whether others than public ones are allowed as well.

    Raises:
        InvalidInput: it is not, or is a number that is not written as addresses are.
    """
    last = host.rstrip(".").rpartition(".")[2]
    if ":" not in host and _NUMBER.fullmatch(last):
        try:
            IPv4Address(host)
        except ValueError:
            raise _refused(f"has the host {host}; write an IP address as four numbers") from None
    if (":" in host or _NUMBER.fullmatch(last)) and not allow_private and not is_public(host):
        raise not_public(host)


def not_public(host: str) -> InvalidInput:
    """Return the refusal of a host that is not, or does not resolve to, a public address."""
    return _refused(
        f"leads to {host}, which is not a public address; an administrator can allow that with "
        "the setting webhook_allow_private"
    )


def _refused(why: str) -> InvalidInput:
    # The address is not repeated: paths of webhooks often hold a secret.
    return InvalidInput(f"url {why}.", field=_FIELD, value=None)
