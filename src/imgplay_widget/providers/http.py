"""HTTP, in the only module that calls the HTTP client. `_shared.transport` makes the client's connections.

`Http` adds the key (only for the provider's own origin), limits sizes, decides which links may be fetched,
and turns failures of the network into errors. It never sleeps, retries or logs: deadlines and repeats are
the engine's task.
"""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from types import coroutine
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

from imgplay_widget._text import MAX_NAME, clean
from imgplay_widget.errors import (
    BadKey,
    BadResponse,
    ConnectFailed,
    Lost,
    MissingKey,
    NetworkError,
    NetworkSetting,
    ServerError,
)
from imgplay_widget.providers._shared import network
from imgplay_widget.providers._shared.failures import key_step, unbilled
from imgplay_widget.providers._shared.hiding import hide_in_logs, redact, without_key
from imgplay_widget.providers._shared.packing import ACCEPTED, Unpacker, packing_of
from imgplay_widget.providers._shared.transport import (
    TIMEOUT,
    Client,
    Unreachable,
    Watch,
    foreign,
    new_client,
    untrusted,
)
from imgplay_widget.providers._shared.wire import (
    Body,
    EventParser,
    ServerEvent,
    decode_base64,
    media_type_of,
    parsed,
    retry_after,
    slice_images,
    unwrapped,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Mapping

    from imgplay_widget._types import ProviderSpec, Reference
    from imgplay_widget.providers.base import Provider

__all__ = [
    "Body",
    "Download",
    "Http",
    "Reply",
    "ServerEvent",
    "decode_base64",
    "media_type_of",
    "missing_key",
    "new_client",
    "redact",
    "retry_after",
    "slice_images",
]

MAX_BODY = 384 * 2**20
"""The most bytes of an answer: an image of `MAX_DOWNLOAD` in base64 fits."""
MAX_DOWNLOAD = 256 * 2**20
"""The most bytes of one image."""
MAX_STREAM = 2 * MAX_BODY
"""The most bytes of all events of a stream together."""
MAX_FAILURE = 2**20
"""The bytes that are read of an answer that is an error. Its words stand at its beginning."""
MAX_REDIRECTS = 3
_DIGITS = 18
"""A length with more digits is not one."""
_LONGEST_LABEL = 63
"""The most characters between two dots of a host's name."""

_OWN_CERTIFICATES = frozenset({18, 19, 20, 21})
"""The codes of OpenSSL for a certificate whose issuer is not trusted, as of a proxy that reads along."""


def missing_key(spec: ProviderSpec) -> MissingKey:
    """Return the error of a provider without a key. It says where the studio looks for the key."""
    return MissingKey(
        f"{spec.title} needs a key, and none is set.",
        provider=spec.name,
        next_step=f"{key_step(spec)}. Or choose a demo model such as demo:instant, which needs none.",
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer.

    Attributes:
        status: the HTTP status.
        headers: the headers; their names are case-insensitive.
        body: the bytes as they arrived.
    """

    status: int
    headers: Mapping[str, str]
    body: Body

    @property
    def ok(self) -> bool:
        """True for a status of 200 to 299."""
        return 200 <= self.status < 300

    @property
    def content_type(self) -> str:
        """The media type without its parameters, in lower case."""
        return _media_type(self.headers)

    @property
    def request_id(self) -> str | None:
        """The provider's own id of the call."""
        told = self.headers.get("x-request-id")
        return None if told is None else clean(told, MAX_NAME)

    def json(self) -> Any:
        """Return the parsed body.

        Raises:
            ValueError: the body is not JSON.
        """
        return parsed(self.body)


class Download(NamedTuple):
    """An image that was fetched by a link.

    Attributes:
        data: the bytes as they arrived.
        media_type: the kind that the server names, or an empty text.
    """

    data: bytes
    media_type: str


class Http:
    """The client of one provider.

    Args:
        provider: the provider; only its origin gets the key.
        client: the HTTP client, which all providers share.
        key: returns the current key, or None.
        references: returns the bytes of an input image.
        masks: returns a mask in grayscale.
    """

    def __init__(
        self,
        provider: Provider,
        client: Client,
        key: Callable[[], str | None],
        references: Callable[[Reference], bytes] | None = None,
        masks: Callable[[Reference], Awaitable[bytes]] | None = None,
    ) -> None:
        self._provider = provider
        self._client = client
        self._key = key
        self._references = references
        self._masks = masks
        hide_in_logs(self)

    @property
    def provider(self) -> Provider:
        """The provider of this client."""
        return self._provider

    @property
    def has_key(self) -> bool:
        """True where the provider has a key now."""
        return bool(self._key())

    def reference(self, reference: Reference) -> bytes:
        """Return the bytes of an input image."""
        if self._references is None:
            raise LookupError("This client was made without references.")
        return self._references(reference)

    async def white_mask(self, mask: Reference) -> bytes:
        """Return a mask as a grayscale PNG, white where the image may change, black elsewhere.

        Providers that do not read the transparency of a mask need this.
        """
        if self._masks is None:
            raise LookupError("This client was made without masks.")
        return await self._masks(mask)

    def redact(self, text: str) -> str:
        """Return the text without the provider's key and without anything else that looks like a key."""
        return redact(text, self._key())

    def hide(self, text: str) -> str:
        """Return the text without the provider's key. Unlike `redact`, this leaves plain words alone."""
        return without_key(text, self._key())

    def owns(self, url: str) -> bool:
        """Return whether an address belongs to the provider and so gets the key."""
        where = _address(url)
        if where is None:
            return False
        return self._is_own(where) or self._provider.takes_key(str(where))

    def _is_own(self, where: httpx.URL) -> bool:
        own = _address(self._provider.origin())
        return own is not None and _origin(where) == _origin(own)

    async def request(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        files: Any = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: httpx.Timeout = TIMEOUT,
        max_bytes: int = MAX_BODY,
    ) -> Reply:
        """Send a request and return the whole answer, whatever its status. Redirects are not followed.

        Raises:
            MissingKey: the provider needs a key, and none is set.
            ConnectFailed: nothing was sent.
            NetworkError: the request may have been sent.
            BadResponse: the answer is too large.
        """
        request = self._build(method, url, timeout, headers, json=json, files=files, data=data)
        async with self._exchange(request) as response:
            return await self._reply(response, max_bytes)

    async def events(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        files: Any = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: httpx.Timeout = TIMEOUT,
    ) -> AsyncIterator[ServerEvent | Reply]:
        """Send a request and yield its server-sent events as they arrive.

        If the answer is not an event stream (it is an error, or the server does not stream), yield only the
        `Reply`. Errors are those of `request`.
        """
        accept = {"Accept": "text/event-stream, application/json", **(headers or {})}
        request = self._build(method, url, timeout, accept, json=json, files=files, data=data)
        async with self._exchange(request) as response:
            if not response.is_success or _media_type(response.headers) != "text/event-stream":
                yield await self._reply(response, MAX_BODY)
                return
            async with aclosing(self._events(response)) as found:
                async for item in found:
                    yield item

    async def download(self, url: str, *, max_bytes: int = MAX_DOWNLOAD) -> Download:
        """Fetch an image by a link of an answer. The engine may repeat this at will.

        The key is sent only if the link is at the provider's own origin. Other links must be https and must
        not lead to a private address, unless the provider is local.

        Raises:
            Lost: the link has expired.
            BadResponse: the link is not allowed, or the image is too large.
            ProviderError: as in `request`.
        """
        where = _address(url)
        for _ in range(MAX_REDIRECTS + 1):
            if where is None:
                raise self._refused("The link to the image is not an http address.")
            own = self._is_own(where)
            request = self._build("GET", str(where), TIMEOUT, {"Accept": "image/*, */*;q=0.1"}, optional=True)
            if not own:
                self._restrict(request)
            async with self._exchange(request) as response:
                if not response.has_redirect_location:
                    self._check_download(response)
                    said = _media_type(response.headers)
                    return Download(bytes(await self._read(response, max_bytes)), said)
                where = _address(response.headers["location"], base=where)
        raise self._refused(f"The link is redirected more than {MAX_REDIRECTS} times.")

    # -------------------------------------------------------------- on the way out

    def _build(
        self,
        method: str,
        url: str,
        timeout: httpx.Timeout,
        headers: Mapping[str, str] | None,
        *,
        optional: bool = False,
        **content: Any,
    ) -> httpx.Request:
        where = self._parse(url)
        all_headers = {"Accept-Encoding": ACCEPTED, **(headers or {})}
        if self.owns(str(where)):
            key = self._usable_key(optional=optional)
            if key is not None:
                all_headers |= self._signed(key)
        return self._client.build_request(method, where, headers=all_headers, timeout=timeout, **content)

    def _usable_key(self, *, optional: bool) -> str | None:
        spec, key = self._provider.spec, self._key()
        if not key:
            if spec.key_variables and not optional:
                raise missing_key(spec)
            return None
        return key

    def _signed(self, key: str) -> Mapping[str, str]:
        """Return the provider's headers with the key.

        Raises:
            BadKey: a header cannot have the value. The HTTP client's own error would show the key.
        """
        spec, found = self._provider.spec, self._provider.headers(key)
        for header, value in found.items():
            if value.isascii() and value.isprintable():
                continue
            at_fault = "The key" if not (key.isascii() and key.isprintable()) else f"The value for {header}"
            raise BadKey(
                f"{at_fault} holds characters that it cannot have: line ends, or letters beyond ASCII.",
                provider=spec.name,
                next_step="Copy it again from the provider's page, as one line without anything around it, "
                "then retry. Nothing was sent.",
            )
        return found

    def _parse(self, url: str) -> httpx.URL:
        where = _address(url)
        if where is None:
            raise ConnectFailed(
                f"{self.redact(url)[:120]!r} is not an http address.",
                provider=self._provider.spec.name,
                next_step="Check the provider's base URL; nothing was sent.",
                retryable=False,
            )
        return where

    def _restrict(self, request: httpx.Request) -> None:
        """Keep a request to a foreign origin away from this machine and network."""
        if self._provider.spec.local:
            return
        if request.url.scheme != "https" or request.url.userinfo:
            raise self._refused("The link is not plain https.")
        foreign(request)

    # -------------------------------------------------------------- on the way in

    @asynccontextmanager
    async def _exchange(self, request: httpx.Request) -> AsyncGenerator[httpx.Response]:
        name = self._provider.spec.name
        watch = Watch()
        try:
            response = await watch.send(self._client, request)
            try:
                yield response
            finally:
                await response.aclose()
        # `from None`: the text and the request of the cause may hold the key.
        except network.Unusable as error:
            raise NetworkSetting(error.message, provider=name, next_step=error.next_step) from None
        except Unreachable as error:
            raise self._refused(str(error)) from None
        except httpx.UnsupportedProtocol as error:
            raise ConnectFailed(f"{self._describe(error)}.", provider=name, retryable=False) from None
        except (httpx.TransportError, TimeoutError) as error:
            raise self._broken(request, watch, error) from None

    def _broken(self, request: httpx.Request, watch: Watch, error: Exception) -> NetworkError:
        """Return the error of a connection that failed: before, or after a part of the request was sent."""
        host, name = request.url.host, self._provider.spec.name
        early = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
        if watch.unsent or (isinstance(error, early) and not watch.sent):
            return self._unconnected(request, error)
        what = f"The connection to {host} broke ({self._describe(error)})."
        if isinstance(error, httpx.TimeoutException):
            what = f"{host} was silent for too long ({type(error).__name__})."
        broken = NetworkError(what, provider=name)
        return unbilled(broken) if self._provider.spec.free else broken

    def _unconnected(self, request: httpx.Request, error: Exception) -> ConnectFailed:
        """Return the error of a request that was not sent: whose fault it is, and what to set."""
        host, name = request.url.host, self._provider.spec.name
        refused = untrusted(error)
        if refused is not None:
            step = f"Check the address of {host} and the clock of this machine. Nothing was sent."
            if refused.verify_code in _OWN_CERTIFICATES:
                step = (
                    "If you know who signed it (a proxy of your office, a server of your own), set "
                    "SSL_CERT_FILE or REQUESTS_CA_BUNDLE to a file with the certificate of the signer in PEM "
                    "format, then retry. Nothing was sent."
                )
            return ConnectFailed(
                f"The certificate of {host} is not trusted ({refused.verify_message}).",
                provider=name,
                next_step=step,
            )
        way = network.way(str(request.url))
        if not way.proxy:
            # Where no page gives out keys, the server is one of the user.
            own = not self._provider.spec.key_url
            step = "Check that the server runs and that its address is right, then retry. Nothing was sent."
            return ConnectFailed(
                f"No connection to {host} ({self._describe(error)}).",
                provider=name,
                next_step=step if own else None,
            )
        step = (
            f"Check {way.variable}, and whether the proxy runs. To reach {host} without the proxy, add it to "
            "NO_PROXY. Then retry; nothing was sent."
        )
        if "407" in str(error):
            step = (
                f"Set {way.variable} to the proxy's address with user and password, "
                "http://user:password@host:port, then retry. Nothing was sent."
            )
        return ConnectFailed(
            f"No connection to {host} by the proxy of {way.variable} ({self._describe(error)}).",
            provider=name,
            next_step=step,
        )

    async def _events(self, response: httpx.Response) -> AsyncGenerator[ServerEvent | Reply]:
        """Yield the events of a stream, or the reply, where plain JSON comes under the name of a stream."""
        parser, plain = EventParser(), None
        async with aclosing(self._unpacked(response, MAX_STREAM)) as chunks:
            async for chunk in chunks:
                if plain is None and chunk.strip():
                    plain = bytearray() if chunk.lstrip().startswith((b"{", b"[")) else b""
                if isinstance(plain, bytearray):
                    plain += chunk
                else:
                    for event in parser.feed(chunk):
                        yield event
                if max(parser.held, len(plain or b"")) > MAX_BODY:
                    raise self._too_large(MAX_BODY)
        if isinstance(plain, bytearray):
            yield Reply(response.status_code, response.headers, plain)
        for event in parser.end():
            yield event

    async def _reply(self, response: httpx.Response, max_bytes: int) -> Reply:
        body = unwrapped(await self._read(response, max_bytes))
        return Reply(response.status_code, response.headers, body)

    async def _read(self, response: httpx.Response, max_bytes: int) -> Body:
        length = response.headers.get("content-length", "")
        size = int(length) if length.isdecimal() and len(length) < _DIGITS else 0
        if not response.is_success:
            return await self._beginning(response)
        if size > max_bytes:
            raise self._too_large(max_bytes)
        # One buffer of the right size spares a list of chunks and joining it.
        body = bytearray(size)
        used = 0
        async with aclosing(self._unpacked(response, max_bytes)) as chunks:
            async for chunk in chunks:
                end = used + len(chunk)
                body[used:end] = chunk
                used = end
        del body[used:]
        return body

    async def _beginning(self, response: httpx.Response) -> Body:
        """Return the beginning of an error. What cannot be read of it must not hide its status."""
        body = bytearray()
        with suppress(BadResponse):
            async with aclosing(self._unpacked(response, MAX_FAILURE)) as chunks:
                async for chunk in chunks:
                    body += chunk
        return body

    async def _unpacked(self, response: httpx.Response, max_bytes: int) -> AsyncGenerator[bytes]:
        """Yield the bytes of a body as they arrive, unpacked.

        Raises:
            BadResponse: there are more bytes than `max_bytes`, or they cannot be unpacked.
        """
        used = 0
        try:
            packing = packing_of(response.headers.get("content-encoding", ""))
            unpacker = Unpacker(packing) if packing else None
            async for raw in response.aiter_raw():
                for chunk in (raw,) if unpacker is None else unpacker.feed(raw):
                    used += len(chunk)
                    if used > max_bytes:
                        raise self._too_large(max_bytes)
                    yield chunk
                    if unpacker is not None:
                        await _let_others_run()
            if unpacker is not None:
                for chunk in unpacker.end():
                    yield chunk
        except ValueError as error:
            raise BadResponse(
                f"{self.redact(response.request.url.host)} sent an answer that cannot be unpacked "
                f"({self.redact(str(error))}).",
                provider=self._provider.spec.name,
            ) from None

    def _check_download(self, response: httpx.Response) -> None:
        status, name = response.status_code, self._provider.spec.name
        if response.is_success:
            return
        if status in (401, 403, 404, 410):
            lost = Lost(f"The link to the image does not work (HTTP {status}).", provider=name)
            lost.gone = status == 410
            raise lost
        if status == 429 or status >= 500:
            raise ServerError(
                f"The image could not be fetched (HTTP {status}).",
                provider=name,
                retry_after=retry_after(response.headers),
            )
        raise BadResponse(f"The image could not be fetched (HTTP {status}).", provider=name)

    def _describe(self, error: Exception) -> str:
        text = self.redact(str(error)).strip().rstrip(".")
        return text[:200] or type(error).__name__

    def _refused(self, message: str) -> BadResponse:
        return BadResponse(
            message,
            provider=self._provider.spec.name,
            next_step="Nothing was fetched from there. Report it to the provider if it comes back.",
            retryable=False,
        )

    def _too_large(self, max_bytes: int) -> BadResponse:
        return BadResponse(
            f"The answer is larger than {max_bytes // 2**20} MB.",
            provider=self._provider.spec.name,
            next_step="Ask for a smaller size or fewer images.",
            retryable=False,
        )


@coroutine
def _let_others_run() -> Generator[None]:
    """Give the other tasks of the loop a turn, as unpacking may take long and waits for nothing."""
    yield


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _address(url: str, *, base: httpx.URL | None = None) -> httpx.URL | None:
    """Return an http address of a host that can exist, or None for any other text.

    Args:
        url: the text.
        base: the address to which a relative one belongs.
    """
    try:
        where = httpx.URL(url) if base is None else base.join(url)
        host, port = where.host, where.port
    # An unusual host raises an error of the library that reads its name, which is a UnicodeError.
    except (httpx.InvalidURL, ValueError):
        return None
    labels = host.removesuffix(".").split(".")
    fits = all(0 < len(label) <= _LONGEST_LABEL for label in labels) and (port is None or 0 < port < 2**16)
    return where if where.scheme in ("http", "https") and fits else None


def _origin(where: httpx.URL) -> tuple[str, str, int | None]:
    return where.scheme, where.host.lower(), where.port or {"http": 80, "https": 443}.get(where.scheme)
