"""Which addresses belong to this machine or network, and which ones a link may lead to.

Links come in answers, and an answer must not reach into the user's network.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from itertools import zip_longest
from urllib.parse import urlsplit

__all__ = ["Resolve", "in_turn", "is_local", "is_private", "resolve"]

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Return the IP addresses of a host and port."""

_LOCAL = (".localhost", ".local", ".localdomain", ".lan", ".internal", ".home.arpa")
"""The ends of names that never are on the internet (RFC 6761, 6762 and 8375, and ICANN's .internal), or that
routers give. ``host.docker.internal`` is this machine, seen from a container."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


async def resolve(host: str, port: int) -> list[str]:
    """Return the IP addresses of a host.

    Raises:
        OSError: the host has no address.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def in_turn(found: list[str]) -> list[str]:
    """Return the addresses, each once, so that the two versions of IP take turns: one of them may be dead."""
    unique = list(dict.fromkeys(found))
    first = [one for one in unique if (":" in one) == (":" in unique[0])]
    second = [one for one in unique if one not in first]
    pairs = zip_longest(first, second)
    return [one for pair in pairs for one in pair if one is not None]


def is_local(url: str) -> bool:
    """Return whether a base URL is on this machine or network. Only the host is read; no name is resolved.

    A name without a dot cannot be a public one (``http://gpu-box:8188``, a service of Docker).
    """
    try:
        host = (urlsplit(url).hostname or "").rstrip(".").lower()
    except ValueError:
        return False
    if host and (("." not in host and ":" not in host) or host.endswith(_LOCAL)):
        return True
    try:
        return is_private(host)
    except ValueError:
        return False


def is_private(address: str) -> bool:
    """Return whether an IP address belongs to this machine, to its network or to nobody."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        # An IPv4 address can hide in an IPv6 one.
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            ip = inner
    return not ip.is_global or ip.is_multicast
