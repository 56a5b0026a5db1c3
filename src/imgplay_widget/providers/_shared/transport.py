"""The connections below the HTTP client: direct or by the user's proxy, and pinned where a link is foreign.

`Client` is the client that all providers of a studio share. It connects when the first request asks for it,
so that a studio without requests needs neither certificates nor proxies.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

import httpcore
import httpx

from imgplay_widget.providers._shared import addresses, network

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

__all__ = [
    "TIMEOUT",
    "Answered",
    "Client",
    "Sent",
    "Tap",
    "Unreachable",
    "Watch",
    "foreign",
    "new_client",
    "tapped",
    "tell",
    "tls",
    "untrusted",
]

TIMEOUT = httpx.Timeout(600.0, connect=10.0, pool=60.0)
"""A provider that answers only with the finished image sends nothing for minutes."""

UNSENT = 30.0
"""The most seconds from the first connection to the first byte of a request: proxy and TLS together."""

ATTEMPT = 1.0
"""The seconds after which the next address of a host is tried. A live server answers in less, and a host
whose IPv6 is dead then costs one second and not ten."""

_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)
_FOREIGN = "imgplay_foreign"


class Sent(NamedTuple):
    """A request as it leaves for a server, or the address of a socket that is opened (``ws://…``)."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Answered(NamedTuple):
    """An answer that stands in for the one of a server."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


Tap: TypeAlias = "Callable[[Sent], Answered | None]"
"""What sees each request, and may answer it. A request that is answered does not leave this machine."""

_TAPS: list[Tap] = []


@contextmanager
def tapped(tap: Tap) -> Generator[None]:
    """Return a context in which a tap sees every request of this process, of open clients too."""
    _TAPS.append(tap)
    try:
        yield
    finally:
        _TAPS.remove(tap)


def tell(sent: Sent) -> Answered | None:
    """Show a request to all taps, and return the answer of the last tap that has one."""
    answers = [tap(sent) for tap in tuple(_TAPS)]
    return next((answer for answer in reversed(answers) if answer is not None), None)


class Unreachable(Exception):
    """A link leads to an address that no link may lead to. Nothing was sent."""


def foreign(request: httpx.Request) -> None:
    """Mark a request to a foreign server: only public addresses are connected to, and only checked ones."""
    request.extensions[_FOREIGN] = True


class Client(httpx.AsyncClient):
    """An HTTP client whose connections are those of this module. `new_client` makes it."""

    def __init__(self, resolve: addresses.Resolve) -> None:
        super().__init__(
            transport=_Transport(resolve), timeout=TIMEOUT, follow_redirects=False, trust_env=False
        )


def new_client(resolve: addresses.Resolve = addresses.resolve) -> Client:
    """Return the HTTP client that all providers of one studio share. The caller closes it.

    Args:
        resolve: returns the IP addresses of a host, for requests to foreign servers.
    """
    return Client(resolve)


class Watch:
    """The sending of one request, which knows whether a part of it may have left this machine.

    Attributes:
        sent: True once the first byte may have been sent to the server itself.
    """

    def __init__(self) -> None:
        self.sent = False
        self._connecting = False
        self._stream: httpcore.AsyncNetworkStream | None = None
        self._limit = asyncio.timeout(None)

    @property
    def unsent(self) -> bool:
        """True where it is certain that nothing was sent."""
        return self._connecting and not self.sent

    async def send(self, client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
        """Send a request, and return its answer before the body.

        Raises:
            TimeoutError: no connection worked within `UNSENT` seconds. Nothing was sent.
            httpx.TransportError: the connection failed.
        """
        request.extensions["trace"] = self._note
        try:
            async with self._limit:
                return await client.send(request, stream=True, follow_redirects=False)
        finally:
            if self.unsent and self._stream is not None:
                # The transport leaves a connection open when the talk with a proxy fails.
                await self._stream.aclose()

    async def _note(self, event: str, info: dict[str, Any]) -> None:
        """Take note of an event of the transport (the extension ``trace`` of httpx)."""
        if event.endswith("connect_tcp.started"):
            self._connecting = True
            self._limit.reschedule(asyncio.get_running_loop().time() + UNSENT)
        elif event.endswith("connect_tcp.complete"):
            self._stream = info["return_value"]
        elif event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            self.sent = True
            self._limit.reschedule(None)


# ------------------------------------------------------------------ the ways


class _Transport(httpx.AsyncBaseTransport):
    """Sends each request on the way that the environment sets. Each way has connections of its own."""

    def __init__(self, resolve: addresses.Resolve) -> None:
        self._resolve = resolve
        self._pools: dict[tuple[network.Way, network.Trust | None, bool], httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request.

        Raises:
            Unusable: a variable of the network cannot be used.
            Unreachable: the request is foreign, and its host has a private address.
            httpx.TransportError: the connection failed.
        """
        where = request.url
        if _TAPS:
            headers = tuple(request.headers.multi_items())
            answer = tell(Sent(request.method, str(where), headers, await request.aread()))
            if answer is not None:
                body = httpx.ByteStream(answer.body)
                return httpx.Response(answer.status, headers=list(answer.headers), stream=body)
        way = network.way(str(where))
        pinned = _FOREIGN in request.extensions
        if pinned and way.proxy:
            await self._refuse_private(where)
        pool = await self._pool(way, where.scheme, pinned=pinned and not way.proxy)
        try:
            return await pool.handle_async_request(request)
        except _socks_errors(way):
            raise httpx.ProxyError("the proxy does not speak SOCKS 5") from None

    async def _refuse_private(self, where: httpx.URL) -> None:
        """Refuse a host that is private as far as this machine knows. A proxy resolves the name itself."""
        try:
            await _public(self._resolve, where.host, where.port or 443)
        except OSError:
            return

    async def _pool(self, way: network.Way, scheme: str, *, pinned: bool) -> httpx.AsyncHTTPTransport:
        secure = scheme == "https" or way.proxy.startswith("https:")
        trust = network.trust() if secure else None
        key = (way, trust, pinned)
        if key not in self._pools:
            # Plain http needs no certificates, and so no variable that names some.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if trust is None else await tls()
            self._pools.setdefault(key, self._made(way, context, pinned=pinned))
        return self._pools[key]

    def _made(self, way: network.Way, context: ssl.SSLContext, *, pinned: bool) -> httpx.AsyncHTTPTransport:
        if pinned:
            return _Pinned(context, self._resolve)
        proxy = None
        if way.proxy:
            secure = context if way.proxy.startswith("https:") else None
            proxy = httpx.Proxy(way.proxy, ssl_context=secure)
        return httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=_LIMITS, proxy=proxy)

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            await pool.aclose()


def _socks_errors(way: network.Way) -> tuple[type[Exception], ...]:
    """Return the errors that the package for SOCKS raises where an answer is not SOCKS."""
    if not way.by_socks or find_spec("socksio") is None:
        return ()
    return (import_module("socksio").SOCKSError, AssertionError, ValueError)


async def tls() -> ssl.SSLContext:
    """Return the trusted certificates. Reading them takes 0.1 s, so this happens beside the loop.

    Raises:
        Unusable: the variable that names the certificates cannot be used.
    """
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, network.certificates, network.trust(), usual)


def usual() -> ssl.SSLContext:
    """Return the context with the certificates that httpx brings."""
    return httpx.create_ssl_context(trust_env=False)


def untrusted(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """Return the refusal of a certificate that stands behind an error, or None."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, ssl.SSLCertVerificationError):
            return link
        link = link.__cause__ or link.__context__
    return None


# ------------------------------------------------------------------ foreign servers


class _Pinned(httpx.AsyncHTTPTransport):
    """Connections to foreign servers, each to an IP address that was checked.

    The name is resolved once for a connection. A second resolution could give another address.
    """

    def __init__(self, context: ssl.SSLContext, resolve: addresses.Resolve) -> None:
        super().__init__(verify=context, trust_env=False, limits=_LIMITS)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=_LIMITS.max_connections,
            max_keepalive_connections=_LIMITS.max_keepalive_connections,
            keepalive_expiry=_LIMITS.keepalive_expiry,
            network_backend=_PublicOnly(resolve),
        )


class _PublicOnly(httpcore.AsyncNetworkBackend):
    """Connects to public addresses only, and tries all of a host's addresses in turn."""

    def __init__(self, resolve: addresses.Resolve) -> None:
        self._resolve = resolve
        # httpcore gives this name to an empty class where anyio is missing, which is never so here.
        self._plain: httpcore.AsyncNetworkBackend = cast("Any", httpcore.AnyIOBackend)()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers.

        Raises:
            Unreachable: one of the addresses is private.
            httpcore.ConnectError: the host is not known, or all addresses refuse.
            httpcore.ConnectTimeout: no address answers.
        """
        try:
            found = await _public(self._resolve, host, port)
        except OSError:
            raise httpcore.ConnectError("the host is not known") from None
        for address in found[:-1]:
            try:
                return await self._plain.connect_tcp(address, port, ATTEMPT, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._plain.connect_tcp(found[-1], port, timeout, local_address, socket_options)


async def _public(resolve: addresses.Resolve, host: str, port: int) -> list[str]:
    """Return the addresses of a host, where all of them are public.

    Raises:
        OSError: the host is not known.
        Unreachable: one of the addresses is private.
    """
    found = await resolve(host, port)
    if not found or any(addresses.is_private(address) for address in found):
        raise Unreachable(f"The link leads into a private network ({host}).")
    return addresses.in_turn(found)
