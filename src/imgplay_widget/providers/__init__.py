"""What a provider is made of, for those who write one."""

from imgplay_widget._types import (
    Done,
    Inline,
    Missing,
    ModelSpec,
    Parameter,
    ParameterKind,
    Partial,
    Pending,
    ProviderSpec,
    Reference,
    ReferenceRule,
    Remote,
    Request,
    SizeRule,
    Unit,
)
from imgplay_widget.providers.base import CancelOutcome, Provider
from imgplay_widget.providers.http import Http, Reply, ServerEvent, redact, retry_after, slice_images
from imgplay_widget.providers.keys import Keys
from imgplay_widget.providers.registry import Registry, register

__all__ = [
    "CancelOutcome",
    "Done",
    "Http",
    "Inline",
    "Keys",
    "Missing",
    "ModelSpec",
    "Parameter",
    "ParameterKind",
    "Partial",
    "Pending",
    "Provider",
    "ProviderSpec",
    "Reference",
    "ReferenceRule",
    "Registry",
    "Remote",
    "Reply",
    "Request",
    "ServerEvent",
    "SizeRule",
    "Unit",
    "redact",
    "register",
    "retry_after",
    "slice_images",
]
