"""The way from this machine to a server, as the user's environment sets it: proxies and certificates.

The variables are read at each call, so that a variable that a later cell corrects counts. A variable that
cannot be used concerns only the calls that need it: it never keeps the demo, a local pipeline or a server on
this network from its work. No I/O, except that a file of certificates is read.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from imgplay_widget.providers._shared import addresses
from imgplay_widget.providers._shared.environment import bare, variable

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CERTIFICATES", "PROXIES", "Trust", "Unusable", "Way", "certificates", "trust", "unusable", "way"]

PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
"""The variables that name a proxy, each in capitals or in small letters; small letters go first."""

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
"""The variables that name trusted certificates, in the order in which they are read. The first one counts."""

_KEYLOG = "SSLKEYLOGFILE"
_SYSTEM = "the system's proxy setting"
_SOCKS = ("socks5", "socks5h")


class Unusable(Exception):
    """A setting of the network that cannot be used. Nothing was sent.

    Args:
        message: what is wrong; it names the variable, and holds no password.
        next_step: what to set.
    """

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


@dataclass(frozen=True, slots=True)
class Way:
    """The way to a server.

    Attributes:
        proxy: the address of the proxy, which may hold a password; empty for the direct way.
        variable: the name of the variable that names the proxy.
    """

    proxy: str = ""
    variable: str = ""

    @property
    def by_socks(self) -> bool:
        """True where the proxy speaks SOCKS."""
        return self.proxy.startswith("socks")


@dataclass(frozen=True, slots=True)
class Trust:
    """Where the trusted certificates are.

    Attributes:
        path: a file in PEM format, or a folder of such files; empty for the usual certificates.
        variable: the name of the variable that names the path.
    """

    path: str = ""
    variable: str = ""


# ------------------------------------------------------------------ proxies


def way(url: str) -> Way:
    """Return the way to a server. A server on this machine or network is reached directly.

    Args:
        url: the address of the server, http or https.

    Raises:
        Unusable: the variable that decides cannot be used.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if addresses.is_local(url):
        return Way()
    proxies = getproxies()
    scheme = "https" if parts.scheme in ("https", "wss") else "http"
    for kind in (scheme, "all"):
        proxy = bare(proxies.get(kind, ""))
        if proxy:
            if _excepted(host, parts.port or {"https": 443}.get(scheme, 80), proxies.get("no", "")):
                return Way()
            return _checked(proxy, _name_of(kind))
    return Way()


def _name_of(kind: str) -> str:
    """Return the name of the variable from which the proxy for a kind of address comes."""
    small = f"{kind}_proxy"
    named = [name for name in os.environ if name.lower() == small and os.environ[name].strip()]
    return small if small in named else named[0] if named else _SYSTEM


def _checked(proxy: str, name: str) -> Way:
    """Return the way by a proxy, or refuse an address that cannot be a proxy's."""
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    try:
        parts = urlsplit(proxy)
        scheme, host, _ = parts.scheme, parts.hostname, parts.port
    except ValueError:
        scheme, host = "", None
    if scheme not in ("http", "https", *_SOCKS) or not host:
        what = f"a proxy of the kind {scheme}://" if host and scheme else "no address of a proxy"
        raise Unusable(
            f"{name} names {what} ({_shown(proxy)}), which cannot be used.",
            f"Set {name} to http://host:port or, with the extra socks, to socks5://host:port, or unset it. "
            "Then retry; nothing was sent.",
        )
    if scheme in _SOCKS and find_spec("socksio") is None:
        raise Unusable(
            f"{name} names a SOCKS proxy ({_shown(proxy)}), and the package for SOCKS is not installed.",
            f"Install imgplay-widget[socks] (pip install socksio), set {name} to the http:// address of a "
            "proxy, or unset it. Then retry; nothing was sent.",
        )
    return Way(proxy, name)


def _shown(proxy: str) -> str:
    """Return the address of a proxy without user and password."""
    scheme, mark, rest = proxy.rpartition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"[:120]


def _excepted(host: str, port: int, no_proxy: str) -> bool:
    """Return whether NO_PROXY, or the system's own list, has a host.

    An entry is a name (``example.org`` and ``.example.org`` mean the domain with all below it), an address
    with or without brackets, a network (``10.0.0.0/8``, ``fe80::/10``) or ``*``, each with or without a port.
    """
    if not no_proxy:
        # Only the lists of Windows and macOS are left to ask; without a variable, Linux has none.
        return bool(proxy_bypass(host))
    return any(_matches(entry, host, port) for entry in no_proxy.replace(",", " ").split())


def _matches(entry: str, host: str, port: int) -> bool:
    entry = bare(entry).rpartition("://")[2].lower()
    if entry == "*":
        return True
    name, own_port = entry, ""
    if entry.startswith("["):
        name, _, own_port = entry[1:].partition("]")
        name, own_port = name + (own_port if own_port.startswith("/") else ""), own_port.removeprefix(":")
    elif entry.count(":") == 1:
        name, _, own_port = entry.partition(":")
    if own_port.isdecimal() and int(own_port) != port:
        return False
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(name, strict=False)
    except ValueError:
        domain = name.removeprefix("*").strip(".")
    host = host.lower().rstrip(".")
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


# ------------------------------------------------------------------ certificates


def trust() -> Trust:
    """Return where the trusted certificates are. The path was not looked at yet."""
    for name in CERTIFICATES:
        path = variable(name)
        if path:
            return Trust(path, name)
    return Trust()


def certificates(trusted: Trust, usual: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """Read the trusted certificates, which takes 0.1 s.

    Args:
        trusted: where they are.
        usual: returns the context with the usual certificates.

    Raises:
        Unusable: the variable names certificates that cannot be read.
    """
    if not trusted.path:
        try:
            return usual()
        except OSError as error:
            raise Unusable(
                f"The file of {_KEYLOG} cannot be written ({error.strerror}).",
                f"Set {_KEYLOG} to a file that can be written, or unset it, then retry. Nothing was sent.",
            ) from None
    by_file, by_folder = trusted.variable != "SSL_CERT_DIR", trusted.variable != "SSL_CERT_FILE"
    path = os.path.expanduser(trusted.path)  # noqa: PTH111 - it may be a list of folders
    folders = [one for one in path.split(os.pathsep) if Path(one).is_dir()]
    why = f"there is no such {'file' if by_file else 'folder'}"
    # Certificates of an office often break the strict rules that `create_default_context` has since 3.13.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if folders and by_folder:
            context.load_verify_locations(capath=os.pathsep.join(folders))
            return context
        if by_file:
            context.load_verify_locations(cafile=path)
            return context
    except ssl.SSLError:
        why = "the file holds no certificates in PEM format"
    except OSError as error:
        why = why if isinstance(error, FileNotFoundError) else error.strerror or why
    raise Unusable(
        f"{trusted.variable}={path[:200]} names no certificates: {why}.",
        f"Set {trusted.variable} to a file of certificates in PEM format"
        f"{' or a folder of them' if by_folder else ''}, or unset it, then retry. Nothing was sent.",
    )


# ------------------------------------------------------------------ all of it


def unusable(usual: Callable[[], ssl.SSLContext]) -> list[Unusable]:
    """Return what is wrong with the variables of the network, each one once.

    Args:
        usual: returns the context with the usual certificates.
    """
    found: dict[str, Unusable] = {}
    proxies = getproxies()
    for kind in ("https", "http", "all"):
        proxy = bare(proxies.get(kind, ""))
        try:
            if proxy:
                _checked(proxy, _name_of(kind))
        except Unusable as error:
            found.setdefault(error.message, error)
    try:
        certificates(trust(), usual)
    except Unusable as error:
        found.setdefault(error.message, error)
    return list(found.values())
