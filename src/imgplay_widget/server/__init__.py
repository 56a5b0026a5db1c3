"""The studio in a browser without a notebook: on a server of its own (`imgplay serve`), or on Jupyter Server.

Both servers have the same page, socket and REST interface. Jupyter Server imports this module when it starts,
so the module imports nothing.
"""

from __future__ import annotations

from typing import Any

__all__: list[str] = []


def _jupyter_server_extension_points() -> list[dict[str, Any]]:  # pyright: ignore[reportUnusedFunction] - Jupyter Server calls it
    """Return the extension, which Jupyter Server loads."""
    from imgplay_widget.server.jupyter import ImgplayServer

    return [{"module": "imgplay_widget.server.jupyter", "app": ImgplayServer}]
