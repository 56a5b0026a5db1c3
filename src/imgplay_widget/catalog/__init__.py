"""The models as data: one TOML file for each provider, and the check of a request against the data."""

from imgplay_widget.catalog._families import by_hand, families
from imgplay_widget.catalog._found import checked, from_json, merge, to_json
from imgplay_widget.catalog._load import CatalogError, check_parameter, check_price, load, parse
from imgplay_widget.catalog._price import (
    call_cost,
    cannot_bill,
    estimate,
    price_facts,
    price_text,
    request_cost,
    tokens,
    unit_price,
)
from imgplay_widget.catalog._request import (
    MAX_DEADLINE,
    check_count,
    check_prompt,
    check_text,
    check_value,
    make_request,
    range_of,
)
from imgplay_widget.catalog._servers import ServerPreset, parse_servers, server_preset, server_presets

__all__ = [
    "MAX_DEADLINE",
    "CatalogError",
    "ServerPreset",
    "by_hand",
    "call_cost",
    "cannot_bill",
    "check_count",
    "check_parameter",
    "check_price",
    "check_prompt",
    "check_text",
    "check_value",
    "checked",
    "estimate",
    "families",
    "from_json",
    "load",
    "make_request",
    "merge",
    "parse",
    "parse_servers",
    "price_facts",
    "price_text",
    "range_of",
    "request_cost",
    "server_preset",
    "server_presets",
    "to_json",
    "tokens",
    "unit_price",
]
