"""The studio's own server: `imgplay serve`.

A browser logs in with the token of the address that the server prints, and gets a cookie. A script sends the
token in each request. The server listens on this machine only, unless it is told another host.
"""

from __future__ import annotations

import asyncio
import errno
import hmac
import ipaddress
import json
import os
import re
import secrets
import signal
import sys
import webbrowser
from contextlib import ExitStack, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Unpack
from urllib.parse import parse_qsl, urlencode, urlsplit

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, Finish, HTTPError, RequestHandler

from imgplay_widget._rules.costs import budget_of
from imgplay_widget.errors import InvalidRequest
from imgplay_widget.server import pages
from imgplay_widget.server.answers import end, write_file
from imgplay_widget.server.hosting import Hosting
from imgplay_widget.server.opening import opened_by_browser
from imgplay_widget.server.rest import RestHandler, routes
from imgplay_widget.server.secret import kept_secret
from imgplay_widget.server.sockets import LineHandler

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from decimal import Decimal

    from imgplay_widget._studio.options import StudioKeywords
    from imgplay_widget._studio.studio import Studio
    from imgplay_widget.server.hosting import Hosted

__all__ = ["DEFAULT_PORT", "LOOPBACK", "Guarded", "Standalone", "make_app", "serve"]

LOOPBACK = "127.0.0.1"

DEFAULT_PORT = 8460
"""The port of a server that is not told one. When the port is taken, the server tries the next ones."""

TRIED_PORTS = 20
"""The number of ports that are tried."""

LARGEST_BODY = 64 * 2**20
"""The most bytes of a request."""

TOKEN_VARIABLE = "IMGPLAY_TOKEN"  # noqa: S105 - the name of a variable
"""The environment variable with a token of the user's own, for scripts that outlive a server."""

COOKIE_DAYS = 30
"""The days for which a browser stays logged in."""

SAFE = ("GET", "HEAD", "OPTIONS")
"""The methods that change nothing."""

LOG_IN = "Open the address that the command printed. The address has the token of this server."


class Guarded(RequestHandler):
    """A handler of requests that are logged in and come from this server's own page or from a script."""

    def set_default_headers(self) -> None:
        """Set the headers of each answer."""
        self.clear_header("Server")
        for name, value in pages.HEADERS.items():
            self.set_header(name, value)
        self.set_header("Content-Security-Policy", pages.policy("'none'"))
        self.set_header("X-Frame-Options", "DENY")
        self.set_header("Cache-Control", "no-store")

    async def hosted(self) -> Hosted:
        """Return the studio of the server, and what belongs to it."""
        return await self.settings["hosting"].studio(None)

    async def studio(self) -> Studio:
        """Return the studio of the server."""
        return (await self.hosted()).studio

    def prepare(self) -> None:
        """Refuse a request that nobody of this server's users meant."""
        if not _is_ours(self.request.host_name, self.settings["host"]):
            raise HTTPError(403, reason="This server does not have this name.")
        if not self._from_here():
            raise HTTPError(403, reason="The request comes from another site.")
        if self.current_user is None:
            self.refuse_stranger()

    def refuse_stranger(self) -> None:
        """Refuse a request that is not logged in."""
        raise HTTPError(403, reason="The request is not logged in.")

    def get_current_user(self) -> str | None:
        """Return "script" or "browser", by how the request is logged in, or None."""
        if self.has_token(self.bearer()):
            return "script"
        return "browser" if self.get_signed_cookie(self.cookie_name, max_age_days=COOKIE_DAYS) else None

    def bearer(self) -> str:
        """Return the token that a script sent in its header, or ""."""
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    def has_token(self, token: str) -> bool:
        """Return whether this is the token of the server."""
        return hmac.compare_digest(token.encode(), self.settings["token"].encode())

    @property
    def cookie_name(self) -> str:
        """The name of the cookie. It has the port: a browser sends a cookie to each port of a host."""
        return re.sub(r"\W", "-", f"imgplay-{self.request.host}")

    def _from_here(self) -> bool:
        """Return whether this server's page or a script made the request, and not another site."""
        headers = self.request.headers
        origin = headers.get("Origin")
        if origin is not None:
            return urlsplit(origin).netloc.lower() == self.request.host.lower()
        if self.request.method not in SAFE and self.current_user == "browser":
            # A browser names the origin of each request that changes something.
            return False
        site = headers.get("Sec-Fetch-Site", "none")
        return site in ("none", "same-origin") or headers.get("Sec-Fetch-Mode") == "navigate"

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write an error as JSON for scripts, and as a document for people."""
        message = self._reason or HTTPStatus(status_code).phrase
        if self.request.path.startswith(f"/{pages.API}"):
            self.set_header("Content-Type", "application/json")
            code = "forbidden" if status_code == HTTPStatus.FORBIDDEN else "http_error"
            end(self, json.dumps({"code": code, "message": message, "nextStep": LOG_IN}))
        else:
            end(self, pages.refusal(f"{message} {LOG_IN}"))


class PageHandler(Guarded):
    """The document of the page, and the login."""

    def refuse_stranger(self) -> None:
        """Log in a browser that brings the token or a pass, and refuse any other."""
        token = self.get_query_argument("token", "")
        if self.has_token(token) or token in self.settings["passes"]:
            # `get` answers.
            return
        if self.request.headers.get("Sec-Fetch-Site") == "cross-site":
            # After a link on another site, a browser keeps the cookie back. It sends the cookie when this
            # document asks again.
            end(self, pages.refusal("One moment …", again=True))
            raise Finish
        super().refuse_stranger()

    def get(self) -> None:
        """Write the document. Where the address has a token, log in, and lead to the address without it."""
        token = self.get_query_argument("token", None)
        if token is None:
            end(self, pages.document("/"))
            return
        used = self.settings["passes"].pop(token, None)
        if used is not None:
            used()
        if used is not None or self.has_token(token):
            self.set_signed_cookie(
                self.cookie_name, "in", expires_days=COOKIE_DAYS, httponly=True, samesite="Strict"
            )
        rest = [one for one in parse_qsl(self.request.query, keep_blank_values=True) if one[0] != "token"]
        self.redirect(f"/{pages.PAGE}" + (f"?{urlencode(rest)}" if rest else ""))


class StartHandler(RequestHandler):
    """The way from the bare address to the page."""

    def get(self) -> None:
        """Lead to the page, with the token."""
        query = f"?{self.request.query}" if self.request.query else ""
        self.redirect(f"/{pages.PAGE}{query}")


class FileHandler(Guarded):
    """The files of the page."""

    def get(self, name: str) -> None:
        """Write a file."""
        write_file(self, name)


class SocketHandler(Guarded, LineHandler):
    """The socket of the page."""

    def check_origin(self, origin: str) -> bool:
        """Return True: `prepare` refused a foreign origin before."""
        return True


class ApiHandler(RestHandler, Guarded):  # pyright: ignore[reportIncompatibleMethodOverride] - `prepare` may be awaited
    """The REST interface."""


def make_app(
    hosting: Hosting,
    *,
    token: str,
    secret: str,
    passes: dict[str, Callable[[], object]],
    host: str = LOOPBACK,
) -> Application:
    """Return the application of the server.

    Args:
        hosting: the studios.
        token: what a script sends, and what the printed address has.
        secret: signs the cookies.
        passes: what logs one browser in, once, in place of the token, each with what is called then.
        host: the host on which the server listens.
    """
    return Application(
        [
            (r"/", StartHandler),
            (rf"/{pages.PAGE}/?", PageHandler),
            (rf"/{pages.PAGE}/static/(.+)", FileHandler),
            (rf"/{pages.API}/socket", SocketHandler),
            *routes(ApiHandler, f"/{pages.API}"),
        ],
        hosting=hosting,
        token=token,
        passes=passes,
        cookie_secret=secret,
        host=host,
        websocket_ping_interval=20,
        log_function=_log_nothing,
        default_handler_class=Nothing,
    )


class Nothing(Guarded):
    """The answer to a path that does not exist."""

    def prepare(self) -> None:
        """Refuse."""
        super().prepare()
        raise HTTPError(404)


def _log_nothing(_: RequestHandler) -> None:
    """Do not log requests: the first address has the token."""


class Standalone:
    """A running server.

    Args:
        store: the store, as `Studio` takes it.
        host: the host on which it listens.
        port: the port; 0 takes a free one, None the default one or the next that is free.
        token: the token; None makes one.
        secret: signs the cookies; None makes one.
        budget: the most USD that may be spent a day, or None for any amount.
        options: the other options of its studio, as `Studio` takes them.

    Attributes:
        port: the port, once `start` has returned.
        token: the token.
    """

    def __init__(
        self,
        store: str | os.PathLike[str] | None = None,
        *,
        host: str = LOOPBACK,
        port: int | None = None,
        token: str | None = None,
        secret: str | None = None,
        budget: float | Decimal | None = None,
        **options: Unpack[StudioKeywords],
    ) -> None:
        self.port = port
        self.token = token or secrets.token_urlsafe(32)
        self._host = host
        self._hosting = Hosting(store, options, budget)
        self._passes: dict[str, Callable[[], object]] = {}
        app = make_app(
            self._hosting,
            token=self.token,
            secret=secret or secrets.token_urlsafe(32),
            passes=self._passes,
            host=host,
        )
        self._server = HTTPServer(app, max_body_size=LARGEST_BODY)

    def start(self) -> str:
        """Listen, and return the address with the token. It is called on the server's loop.

        Raises:
            InvalidRequest: the port is taken, or there is no such host.
        """
        sockets = _bind(self._host, self.port)
        self.port = sockets[0].getsockname()[1]
        self._server.add_sockets(sockets)
        return self._address(self.token)

    def address_once(self, used: Callable[[], object]) -> str:
        """Return an address that logs one browser in, once. It is called after `start`.

        Args:
            used: is called when a browser used the address.
        """
        one = secrets.token_urlsafe(32)
        self._passes[one] = used
        return self._address(one)

    def _address(self, token: str) -> str:
        return f"{self.origin}/{pages.PAGE}?token={token}"

    @property
    def origin(self) -> str:
        """The scheme, host and port of the server."""
        host = LOOPBACK if self._host in ("0.0.0.0", "::", "") else self._host  # noqa: S104 - not bound here
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    async def close(self, waits: Callable[[int], object] | None = None) -> int:
        """Stop to listen, hand over what runs, and close the studios.

        Args:
            waits: is called with the number of answers, where there are any to wait for.

        Returns:
            The number of calls whose answers may be lost.
        """
        self._server.stop()
        await self._server.close_all_connections()
        return await self._hosting.close(waits=waits)

    def leave(self) -> None:
        """End the waiting of `close`. Answers that did not come yet may be lost."""
        self._hosting.leave()


def serve(
    *,
    store: str | os.PathLike[str] | None = None,
    host: str = LOOPBACK,
    port: int | None = None,
    budget: Decimal | None = None,
    browser: bool = True,
    say: Callable[[str], object] = lambda text: sys.stdout.write(f"{text}\n"),
    note: Callable[[str], object] = lambda text: sys.stderr.write(f"{text}\n"),
) -> None:
    """Serve the studio until the process is interrupted or terminated, and then hand over what runs.

    A second interrupt ends the waiting for answers of providers.

    Args:
        store: the store, as `Studio` takes it.
        host: the host on which the server listens.
        port: the port; 0 takes a free one, None the default one or the next that is free.
        budget: the most USD that may be spent a day, or None for any amount.
        browser: True where the page opens in the user's browser.
        say: shows a line to the user.
        note: shows a line about the end of the server.

    Raises:
        InvalidRequest: the port is taken, there is no such host, or the budget cannot be one.
        KeyboardInterrupt: the user did not wait for all answers. Its argument is the number of the signal.
    """
    # The studio opens with the first request, and a wrong budget must not wait for it.
    limit = budget_of(budget)
    server = Standalone(store, host=host, port=port, token=_token(), secret=kept_secret(store), budget=limit)
    asyncio.run(_serve(server, browser=browser, say=say, note=note))


async def _serve(
    server: Standalone, *, browser: bool, say: Callable[[str], object], note: Callable[[str], object]
) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    signals: list[int] = []

    def end(number: int) -> None:
        signals.append(number)
        if stop.is_set():
            server.leave()
        stop.set()

    for name in (signal.SIGINT, signal.SIGTERM):
        # Windows has no such handlers. There, an interrupt ends `asyncio.run`.
        with suppress(NotImplementedError):
            loop.add_signal_handler(name, end, name)
    address = server.start()
    try:
        with ExitStack() as opened:
            say(address)
            if browser:
                url = opened.enter_context(opened_by_browser(server.address_once(opened.close)))
                # A browser that runs in the terminal would stop the server's loop.
                loop.run_in_executor(None, webbrowser.open, url)
            await stop.wait()
    finally:
        lost = await server.close(lambda out: note(_waits(out)))
    if lost:
        note(
            f"The {_answers(lost)} may be lost, and the provider may bill "
            f"{'it' if lost == 1 else 'them'}. Look at the account at the provider before you try again."
        )
        raise KeyboardInterrupt(signals[-1])


def _waits(out: int) -> str:
    return (
        f"Waiting for the {_answers(out)}, which only this server can get. "
        "Interrupt again to leave now; then nobody knows whether the provider bills this."
    )


def _answers(number: int) -> str:
    return "answer to 1 call" if number == 1 else f"answers to {number} calls"


def _token() -> str | None:
    return os.environ.get(TOKEN_VARIABLE, "").strip() or None


def _bind(host: str, port: int | None) -> list[socket.socket]:
    """Return the listening sockets."""
    wanted = range(DEFAULT_PORT, DEFAULT_PORT + TRIED_PORTS) if port is None else (port,)
    for one in wanted:
        try:
            return bind_sockets(one, host)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise InvalidRequest(
                    f"The server cannot listen on {host}, port {one}: {error.strerror}.",
                    parameter="host",
                    next_step="Choose another host or port.",
                ) from error
    raise InvalidRequest(
        f"Port {wanted[0]} of {host} is taken."
        if port is not None
        else f"The ports {wanted[0]} to {wanted[-1]} of {host} are taken.",
        parameter="port",
        next_step="Choose another port, or 0 for a free one.",
    )


def _is_ours(name: str, host: str) -> bool:
    """Return whether a name in the address of a request is one of this server's.

    A site can give its own name the address of this machine (DNS rebinding), and so reach the server from its
    pages. An address in numbers cannot be given away.

    Args:
        name: the name, without the port.
        host: the host on which the server listens.
    """
    bare = name.strip("[]").lower()
    if bare in ("localhost", host.lower()):
        return True
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return False
    return address.is_loopback or not _is_loopback(host)


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
