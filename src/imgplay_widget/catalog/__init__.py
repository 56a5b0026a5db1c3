"""The models as data: one TOML file for each provider, and the check of a request against the data."""

from imgplay_widget.catalog._found import checked, from_json, merge, to_json
from imgplay_widget.catalog._load import CatalogError, check_parameter, load, parse
from imgplay_widget.catalog._price import cannot_bill, estimate, expected
from imgplay_widget.catalog._request import (
    MAX_DEADLINE,
    check_count,
    check_text,
    check_value,
    make_request,
    range_of,
)

__all__ = [
    "MAX_DEADLINE",
    "CatalogError",
    "cannot_bill",
    "check_count",
    "check_parameter",
    "check_text",
    "check_value",
    "checked",
    "estimate",
    "expected",
    "from_json",
    "load",
    "make_request",
    "merge",
    "parse",
    "range_of",
    "to_json",
]
