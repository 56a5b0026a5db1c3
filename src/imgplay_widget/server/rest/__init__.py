"""The REST interface of a studio: one declaration of each endpoint, pure functions, and one handler.

Both servers mount the same routes. From the declarations come the checks of what arrives, the answers, and
the OpenAPI file.
"""

from imgplay_widget.server.rest.handler import RestHandler, routes

__all__ = ["RestHandler", "routes"]
