"""Where a link may lead. Links come in answers, and an answer must not reach into the user's network."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

__all__ = ["Resolve", "is_local", "is_private", "proxied", "resolve"]

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Return the IP addresses of a host and port."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


async def resolve(host: str, port: int) -> list[str]:
    """Return the IP addresses of a host.

    Raises:
        OSError: the host has no address.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def is_local(url: str) -> bool:
    """Return whether a base URL is on this machine or network. Only the host is read; no name is resolved."""
    host = (urlsplit(url).hostname or "").lower()
    if host == "localhost" or host.endswith((".localhost", ".local")):
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


def proxied(scheme: str, host: str) -> bool:
    """Return whether the environment sends this address through a proxy, which then resolves the name."""
    proxies = getproxies()
    return bool(proxies.get(scheme) or proxies.get("all")) and not proxy_bypass(host)
