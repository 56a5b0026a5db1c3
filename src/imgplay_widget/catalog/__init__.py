"""Models as data: one TOML file a provider, and the check of a request against it."""

from imgplay_widget.catalog._load import CatalogError, load, parse
from imgplay_widget.catalog._price import estimate
from imgplay_widget.catalog._request import MAX_DEADLINE, check_value, make_request

__all__ = ["MAX_DEADLINE", "CatalogError", "check_value", "estimate", "load", "make_request", "parse"]
