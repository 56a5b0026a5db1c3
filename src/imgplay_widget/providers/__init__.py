"""The parts of a provider, for authors of one. ``docs/write-a-provider.md`` shows how they fit together."""

from imgplay_widget._types import (
    Done,
    Inline,
    Missing,
    ModelSpec,
    Parameter,
    ParameterKind,
    Partial,
    Pending,
    Price,
    ProviderSpec,
    Rate,
    Reference,
    ReferenceRule,
    Remote,
    Request,
    SizeRule,
    Tier,
    Unit,
)
from imgplay_widget.providers._shared.failures import before_the_call, failure, perhaps_billed, unbilled
from imgplay_widget.providers.base import CancelOutcome, Provider
from imgplay_widget.providers.cloud import CloudProvider, HttpProvider, data_uri, image_of, link
from imgplay_widget.providers.http import Http, Reply, ServerEvent, redact, retry_after, slice_images
from imgplay_widget.providers.keys import Keys
from imgplay_widget.providers.registry import Registry, register

__all__ = [
    "CancelOutcome",
    "CloudProvider",
    "Done",
    "Http",
    "HttpProvider",
    "Inline",
    "Keys",
    "Missing",
    "ModelSpec",
    "Parameter",
    "ParameterKind",
    "Partial",
    "Pending",
    "Price",
    "Provider",
    "ProviderSpec",
    "Rate",
    "Reference",
    "ReferenceRule",
    "Registry",
    "Remote",
    "Reply",
    "Request",
    "ServerEvent",
    "SizeRule",
    "Tier",
    "Unit",
    "before_the_call",
    "data_uri",
    "failure",
    "image_of",
    "link",
    "perhaps_billed",
    "redact",
    "register",
    "retry_after",
    "slice_images",
    "unbilled",
]
