"""All endpoints of REST."""

from __future__ import annotations

from imgplay_widget.server.rest import topics

__all__ = ["ENDPOINTS"]

ENDPOINTS = (*topics.ENDPOINTS,)
"""All endpoints, in the order of the documentation."""
