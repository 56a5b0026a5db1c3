"""The REST interface on Jupyter Server. It is imported with its first request."""

from __future__ import annotations

from tornado.web import authenticated

from imgplay_widget.server import pages
from imgplay_widget.server.jupyter import GuardedByJupyter
from imgplay_widget.server.rest import RestHandler, routes

__all__ = ["ROUTE"]


class JupyterApi(RestHandler, GuardedByJupyter):  # pyright: ignore[reportIncompatibleMethodOverride] - Jupyter's own classes differ
    """The REST interface."""

    # `prepare` has checked the login already. Jupyter Server warns of methods without this mark.
    get = head = post = patch = delete = authenticated(RestHandler.get)  # pyright: ignore[reportAssignmentType] - as loose as tornado types it


(ROUTE,) = routes(JupyterApi, f"/{pages.API}")
"""The path, the handler and its arguments."""
