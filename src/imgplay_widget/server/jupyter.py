"""The studio on a Jupyter Server: under its login, its checks of requests and its base URL.

Jupyter Server imports this module when it starts, so the module imports only what the server has already.
"""

from __future__ import annotations

import os
import re
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import allow_unauthenticated, ws_authenticated
from jupyter_server.auth.identity import IdentityProvider, PasswordIdentityProvider
from jupyter_server.auth.utils import HTTP_METHOD_TO_AUTH_ACTION
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from tornado.routing import PathMatches, Router, Rule
from tornado.web import HTTPError, authenticated
from traitlets import Bool, Float, TraitError, Unicode, validate

from imgplay_widget.server import pages
from imgplay_widget.server.answers import end, write_file
from imgplay_widget.server.hosting import Hosting
from imgplay_widget.server.sockets import LineHandler

if TYPE_CHECKING:
    from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
    from tornado.web import Application

    from imgplay_widget._studio.studio import Studio
    from imgplay_widget.server.hosting import Hosted

__all__ = ["GuardedByJupyter", "ImgplayServer", "running_settings"]

RESOURCE = "imgplay"
"""The name under which an authorizer of Jupyter Server allows the studio."""

HOSTING, TOOLS = "imgplay_hosting", "imgplay_tools"
"""The settings of the application that have the studios, and whether agents get tools."""

HUB_USER = "JUPYTERHUB_USER"
"""The environment variable in which JupyterHub names the owner of a server."""

STOP_WAIT = 5.0
"""The most seconds for which a Jupyter Server that stops is kept waiting for answers of providers. Its
kernels end only afterwards, and JupyterHub and Docker kill a server that is not gone after ten seconds."""

NAMING = (
    "get_user",
    "_get_user",
    "get_user_token",
    "get_user_cookie",
    "user_from_cookie",
    "process_login_form",
)
"""The methods of an identity provider that decide who a request comes from."""


class WithHeaders(JupyterHandler):
    """A handler whose answers have the headers of the page."""

    def set_default_headers(self) -> None:
        """Set the headers of each answer."""
        super().set_default_headers()
        for name, value in pages.HEADERS.items():
            self.set_header(name, value)

    @property
    def content_security_policy(self) -> str:
        """The policy of the page. The server's own pages may show it in a frame."""
        return pages.policy("'self'")


class GuardedByJupyter(WithHeaders):
    """A handler of requests that Jupyter Server's login, authorizer and checks of requests allow."""

    auth_resource = RESOURCE

    async def prepare(self, *, _redirect_to_login: bool = True) -> None:
        """Refuse a request that Jupyter Server would refuse."""
        await super().prepare(_redirect_to_login=_redirect_to_login)
        if self._finished:
            # The browser is on its way to the login.
            return
        if self.current_user is None:
            self.refuse_stranger()
            return
        if not self.check_origin():
            raise HTTPError(403, "The request comes from another site.")
        allowed = self.authorizer.is_authorized(self, self.current_user, self.action, RESOURCE)
        if not await ensure_async(allowed):
            raise HTTPError(403, f"You may not {self.action} the image playground.")

    def refuse_stranger(self) -> None:
        """Refuse a request that is not logged in."""
        raise HTTPError(403, "The request is not logged in.")

    @property
    def action(self) -> str:
        """What an authorizer is asked to allow."""
        return HTTP_METHOD_TO_AUTH_ACTION[self.request.method or "GET"]

    async def hosted(self) -> Hosted:
        """Return the studio of the user who made the request, and what belongs to it."""
        return await self.settings[HOSTING].studio(history_of(self))

    async def studio(self) -> Studio:
        """Return the studio of the user who made the request."""
        return (await self.hosted()).studio


class JupyterPage(GuardedByJupyter):
    """The document of the page."""

    def refuse_stranger(self) -> None:
        """Let `get` lead a browser to the login."""

    @authenticated
    def get(self) -> None:
        """Write the document."""
        # This sets the cookie that the page sends back with each request that changes something.
        _ = self.xsrf_token
        self.set_header("Cache-Control", "no-store")
        end(self, pages.document(self.base_url))


class JupyterFile(WithHeaders):
    """The files of the page. Like the scripts of JupyterLab they are no secret, and need no login.

    A browser that loads a module sends the cookie of the login, but not the token that JupyterHub demands
    beside the cookie. So JupyterHub would take the browser for a stranger.
    """

    @allow_unauthenticated
    def get(self, name: str) -> None:
        """Write a file."""
        write_file(self, name)


class JupyterSocket(WebSocketMixin, GuardedByJupyter, LineHandler):  # pyright: ignore[reportIncompatibleMethodOverride] - Jupyter's own classes differ
    """The socket of the page."""

    @property
    def action(self) -> str:
        """What an authorizer is asked to allow."""
        return HTTP_METHOD_TO_AUTH_ACTION["WEBSOCKET"]

    @ws_authenticated
    async def get(self, *args: str, **kwargs: str) -> None:
        """Open the socket."""
        await super().get(*args, **kwargs)


class RestRouter(Router):
    """The way to the REST interface, whose handler is imported with the first request."""

    SUPPORTED_METHODS: ClassVar[tuple[str, ...]] = ()
    """Jupyter Server looks here for methods that lack a check of the login. The handler has this check."""

    def __init__(self, app: Application) -> None:
        self._app = app

    def find_handler(self, request: HTTPServerRequest, **_: Any) -> HTTPMessageDelegate:
        """Return the handler of a request."""
        from imgplay_widget.server.jupyter_rest import ROUTE

        handler, arguments = ROUTE[1:]
        return self._app.get_handler_delegate(request, handler, {**arguments})


class ImgplayServer(ExtensionApp):
    """The extension of Jupyter Server."""

    name = "imgplay"
    extension_url = f"/{pages.PAGE}"
    load_other_extensions = True

    store = Unicode(None, allow_none=True, help="The store, as `Studio` takes it.").tag(config=True)
    budget = Float(
        None,
        allow_none=True,
        help="The most USD that the studio of each user may spend a day. Agents need a budget to generate.",
    ).tag(config=True)
    tools = Bool(
        default_value=True, help="Whether jupyter-server-mcp, where it is installed, offers tools to agents."
    ).tag(config=True)

    @validate("budget")
    def _check_budget(self, proposal: Any) -> float | None:
        # Both are imported here, so that a server without a budget starts as quickly as before.
        from imgplay_widget._rules.costs import budget_of
        from imgplay_widget.errors import InvalidRequest

        try:
            budget_of(proposal["value"])
        except InvalidRequest as error:
            raise TraitError(f"c.ImgplayServer.budget: {error}") from None
        return proposal["value"]

    def initialize(self) -> None:
        """Add the studio to the server, if its configuration can be used.

        Raises:
            TraitError: the configuration has a wrong value.
        """
        # Jupyter Server logs a wrong value as a warning and goes on with the default, which for a budget
        # means no limit.
        if not self._linked:
            raise TraitError("The configuration of the image studio has a wrong value; see above.")
        super().initialize()

    def initialize_settings(self) -> None:
        """Prepare the studios, none of which opens yet."""
        self.settings[HOSTING] = Hosting(self.store, budget=self.budget)
        self.settings[TOOLS] = self.tools

    def initialize_handlers(self) -> None:
        """Add the page, its files, its socket and the REST interface."""
        self.handlers.extend(
            [
                (rf"/{pages.PAGE}/?", JupyterPage),
                (rf"/{pages.PAGE}/static/(.+)", JupyterFile),
                (rf"/{pages.API}/socket", JupyterSocket),
            ]
        )
        assert self.serverapp is not None
        app, base = self.serverapp.web_app, re.escape(self.serverapp.base_url)
        rest = PathMatches(rf"{base}{pages.API}(?!/socket$)(?:/.*)?$")
        app.add_handlers(".*$", [Rule(rest, RestRouter(app))])

    async def stop_extension(self) -> None:
        """Hand over what runs, and close the studios. A second signal calls this again, to wait no longer."""
        hosting = self.settings.get(HOSTING)
        if hosting is None:
            return
        lost = await hosting.close(
            longest=STOP_WAIT,
            waits=partial(self.log.info, "The image studio waits for answers of providers: %d."),
        )
        if lost:
            self.log.warning(
                "The image studio did not wait for all answers of providers. Lost, and perhaps billed: %d.",
                lost,
            )


def running_settings() -> dict[str, Any] | None:
    """Return the settings of the Jupyter Server of this process, or None where the studio is not on it."""
    if not ServerApp.initialized():
        return None
    settings: dict[str, Any] = ServerApp.instance().web_app.settings
    return settings if HOSTING in settings else None


def history_of(handler: JupyterHandler) -> str | None:
    """Return the name of the identity that made a request, or None for the owner of the server.

    With a token or a password, Jupyter Server gives each browser a random name. All these are the owner,
    whose history is the one of the kernels. On a hub the owner has a name. Each other name has a history of
    its own.
    """
    provider, user = handler.identity_provider, handler.current_user
    if not names_users(type(provider)) or user.username == os.environ.get(HUB_USER):
        return None
    return user.username


def names_users(provider: type[IdentityProvider]) -> bool:
    """Return whether an identity provider knows the names of users, unlike those of Jupyter Server itself."""
    own = (IdentityProvider, PasswordIdentityProvider)
    return not any(all(getattr(provider, name) is getattr(base, name) for name in NAMING) for base in own)
