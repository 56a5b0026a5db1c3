"""Every error of the package, as one tree.

::

    ImgplayError
    ├── InvalidRequest (ValueError)      bad input; nothing was stored, sent or paid
    ├── UnknownParameter (TypeError)     a keyword that the model does not have
    ├── OverBudget                       the budget of the day does not allow it
    ├── NotFound (LookupError)           no such topic, batch, generation, model or provider
    ├── StoreError                       the database or the asset files
    │   ├── StoreTooNew                  the file was written by a newer version
    │   ├── StoreLocked                  another program holds the database
    │   └── DiskFull                     an asset could not be written
    ├── StudioClosed                     the studio was closed, or belongs to another process
    ├── Cancelled                        the user stopped it
    └── ProviderError                    a provider, or the way to it, failed
        ├── MissingKey                   no key is set
        ├── MissingExtra                 a package that it needs is not installed
        ├── BadKey                       the key was refused
        ├── BillingError                 no credit, quota used up
        ├── BadRequest                   the provider refused the parameters
        ├── Moderated                    the provider refused the content
        ├── ModelNotFound                wrong or retired model
        ├── RateLimited                  too many requests; no work was done
        ├── Overloaded                   the provider has no capacity; no work was done
        ├── ProviderMissing              this kernel has no such provider, or it has no such model
        ├── ServerError                  the provider failed
        │   └── InternalError            this package failed while it worked on the request
        ├── NetworkError                 the connection failed
        │   └── ConnectFailed            it failed before anything was sent
        ├── DeadlineExceeded             the total time is over
        ├── BadResponse                  the answer is not what the protocol says
        ├── NoImage                      an answer without the image
        ├── CorruptImage                 bytes that are not a whole image
        ├── Lost                         the provider no longer knows the job or its result
        ├── Uncertain                    nobody knows whether the provider took (and billed) the call
        └── Interrupted                  the kernel stopped before the call was sent

Each error says what happened, whose fault it is and the next step, and carries data. A message never
holds a key: whoever raises passes text through `redact` of `imgplay_widget.providers.http` first.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BadKey",
    "BadRequest",
    "BadResponse",
    "BillingError",
    "Cancelled",
    "ConnectFailed",
    "CorruptImage",
    "DeadlineExceeded",
    "DiskFull",
    "ErrorInfo",
    "ImgplayError",
    "InternalError",
    "Interrupted",
    "InvalidRequest",
    "Lost",
    "MissingExtra",
    "MissingKey",
    "ModelNotFound",
    "Moderated",
    "NetworkError",
    "NoImage",
    "NotFound",
    "OverBudget",
    "Overloaded",
    "ProviderError",
    "ProviderMissing",
    "RateLimited",
    "ServerError",
    "StoreError",
    "StoreLocked",
    "StoreTooNew",
    "StudioClosed",
    "Uncertain",
    "UnknownParameter",
]

Fault = Literal["you", "provider", "network", "here"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorInfo:
    """An error as a value: what is stored with a task and shown on a tile.

    Attributes:
        code: a stable word, for instance ``"rate_limited"``.
        message: what happened, in a sentence.
        next_step: what the user can do about it, in a sentence.
        fault: whose fault it is: ``"you"``, ``"provider"``, ``"network"`` or ``"here"`` (this machine).
        provider: the provider's name, or None where no provider took part.
        retryable: True where the same request may succeed later.
        retry_after: seconds to wait before that, or None where nobody said.
        request_id: the provider's own id of the call, for its support.
    """

    code: str
    message: str
    next_step: str
    fault: Fault
    provider: str | None = None
    retryable: bool = False
    retry_after: float | None = None
    request_id: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Gives the value as a dict of JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ErrorInfo:
        """Reads what `to_json` gave, leaving out keys that a newer version may have added."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in data.items() if key in known})

    def to_exception(self) -> ImgplayError:
        """Gives the exception that stands for this value."""
        kind = _BY_CODE.get(self.code, ProviderError)
        if issubclass(kind, ProviderError):
            error: ImgplayError = kind(
                self.message,
                provider=self.provider,
                next_step=self.next_step,
                retryable=self.retryable,
                retry_after=self.retry_after,
                request_id=self.request_id,
            )
        else:
            error = kind(self.message, next_step=self.next_step)
        error.code, error.fault = self.code, self.fault
        return error


class ImgplayError(Exception):
    """The root of all errors of this package.

    Args:
        message: what happened.
        next_step: what to do about it; the class has a default.
    """

    code: str = "error"
    fault: Fault = "here"
    retryable: bool = False
    default_next_step: ClassVar[str] = "Try again; if it comes back, report it with this text."

    def __init__(self, message: str, *, next_step: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = self.default_next_step if next_step is None else next_step

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}".strip()

    @property
    def info(self) -> ErrorInfo:
        """The error as a value that can be stored and shown."""
        return ErrorInfo(
            code=self.code,
            message=self.message,
            next_step=self.next_step,
            fault=self.fault,
            retryable=self.retryable,
        )


class InvalidRequest(ImgplayError, ValueError):
    """A value is out of its range or of the wrong kind. Nothing was stored, sent or paid.

    Args:
        message: names the parameter, its value and its range.
        parameter: the name of the parameter, or None where it is the whole request.
    """

    code = "invalid_request"
    fault = "you"
    default_next_step = "Correct the value and call again; nothing was stored, sent or paid."

    def __init__(self, message: str, *, parameter: str | None = None, next_step: str | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.parameter = parameter


class UnknownParameter(ImgplayError, TypeError):
    """A keyword that the model does not have. Nothing was stored, sent or paid."""

    code = "unknown_parameter"
    fault = "you"
    default_next_step = "Leave it out, or choose a model that has it; nothing was stored, sent or paid."


class OverBudget(ImgplayError):
    """It would take the day's total over the budget. Nothing was stored, sent or paid."""

    code = "over_budget"
    fault = "you"
    default_next_step = (
        "Raise the budget in a cell (pg.budget = 10, in USD a day; None lifts it) or wait until tomorrow; "
        "nothing was stored, sent or paid."
    )


class NotFound(ImgplayError, LookupError):
    """There is no such topic, batch, generation, model or provider."""

    code = "not_found"
    fault = "you"
    default_next_step = "It may have been deleted; list what is there and choose again."


class StoreError(ImgplayError):
    """The database or the asset files failed."""

    code = "store"
    default_next_step = "Check that the store's folder exists, is writable and is on a healthy disk."


class StoreTooNew(StoreError):
    """The database was written by a newer version of this package."""

    code = "store_too_new"
    default_next_step = "Update imgplay-widget, or choose another store."


class StoreLocked(StoreError):
    """Another program has held the database for longer than the busy timeout."""

    code = "store_locked"
    retryable = True
    default_next_step = "Close the program that holds it, then try again; nothing is lost."


class DiskFull(StoreError):
    """An asset could not be written whole."""

    code = "disk_full"
    retryable = True
    default_next_step = "Free some space on the disk of the store, then retry."


class StudioClosed(ImgplayError):
    """The studio was closed, or it was made in another process."""

    code = "studio_closed"
    fault = "you"
    default_next_step = "Make a new studio or a new ImagePlayground."


class Cancelled(ImgplayError):
    """The user stopped it."""

    code = "cancelled"
    fault = "you"
    retryable = True
    default_next_step = "Retry to run it again."


class ProviderError(ImgplayError):
    """A provider, or the way to it, failed.

    Args:
        message: what happened; without keys.
        provider: the provider's name.
        next_step: what to do; the class has a default.
        retryable: True where the same request may succeed later; the class has a default.
        retry_after: seconds that the provider asked to wait, or None.
        request_id: the provider's own id of the call.
        maybe_billed: True where the provider may have done (and billed) the work, so that the call must
            not be repeated without the user.
    """

    code = "provider"
    fault = "provider"
    maybe_billed: bool = False

    def __init__(
        self,
        message: str,
        *,
        provider: str | None = None,
        next_step: str | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
        maybe_billed: bool | None = None,
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.provider = provider
        self.retry_after = retry_after
        self.request_id = request_id
        if retryable is not None:
            self.retryable = retryable
        if maybe_billed is not None:
            self.maybe_billed = maybe_billed

    @property
    def info(self) -> ErrorInfo:
        """The error as a value that can be stored and shown."""
        return ErrorInfo(
            code=self.code,
            message=self.message,
            next_step=self.next_step,
            fault=self.fault,
            provider=self.provider,
            retryable=self.retryable,
            retry_after=self.retry_after,
            request_id=self.request_id,
        )


class MissingKey(ProviderError):
    """No key is set for the provider."""

    code = "missing_key"
    fault = "you"
    retryable = True
    default_next_step = "Set the provider's key, or choose a demo model, which needs none."


class MissingExtra(ProviderError):
    """A package that the provider needs is not installed. Nothing was done."""

    code = "missing_extra"
    fault = "here"
    retryable = True
    default_next_step = "Install it, then retry."


class BadKey(ProviderError):
    """The provider refused the key."""

    code = "bad_key"
    fault = "you"
    retryable = True
    default_next_step = "Check that the key is whole, active and meant for this provider, then retry."


class BillingError(ProviderError):
    """The account has no credit left, or its quota is used up."""

    code = "billing"
    fault = "you"
    default_next_step = "Add credit or raise the limit on the provider's billing page, then retry."


class BadRequest(ProviderError):
    """The provider refused the parameters."""

    code = "bad_request"
    fault = "you"
    default_next_step = "Change the parameter that the message names, then generate again."


class Moderated(ProviderError):
    """The provider's content rules refused the prompt, a reference or the finished image."""

    code = "moderated"
    fault = "you"
    default_next_step = "Rephrase the prompt or change the reference; the same request will be refused again."


class ModelNotFound(ProviderError):
    """The provider does not know the model, or no longer offers it."""

    code = "model_not_found"
    fault = "you"
    default_next_step = "Choose another model; this one may be retired or not open to your account."


class RateLimited(ProviderError):
    """Too many requests. The provider did no work."""

    code = "rate_limited"
    retryable = True
    default_next_step = "Wait a little, then retry."


class Overloaded(ProviderError):
    """The provider has no capacity at the moment. It did no work."""

    code = "overloaded"
    retryable = True
    default_next_step = "Wait a little, then retry."


class ServerError(ProviderError):
    """The provider failed while it worked on the request."""

    code = "server_error"
    retryable = True
    default_next_step = "Retry; if it comes back, see the provider's status page."


class InternalError(ServerError):
    """This package failed while it worked on the request. The log has the details."""

    code = "internal"
    fault = "here"
    default_next_step = "Retry; if it comes back, report it with the log."


class ProviderMissing(ProviderError):
    """This kernel does not have the provider that began the request, or not its model."""

    code = "provider_missing"
    fault = "you"
    retryable = True
    default_next_step = "Pass its provider with providers=[…], then retry."


class NetworkError(ProviderError):
    """The connection to the provider failed after the request may have been sent."""

    code = "network"
    fault = "network"
    retryable = True
    maybe_billed = True
    default_next_step = "Check the network, then retry."


class ConnectFailed(NetworkError):
    """The connection failed before anything was sent."""

    code = "connect_failed"
    maybe_billed = False
    default_next_step = "Check the network and the provider's address, then retry; nothing was sent."


class DeadlineExceeded(ProviderError):
    """The total time that the task was given is over."""

    code = "deadline"
    retryable = True
    default_next_step = "Retry, or give the task more time with deadline=."


class BadResponse(ProviderError):
    """The answer is not what the provider's protocol says."""

    code = "bad_response"
    retryable = True
    maybe_billed = True
    default_next_step = "Check the base URL (a proxy or login page may have answered), then retry."


class NoImage(ProviderError):
    """The provider answered without the image."""

    code = "no_image"
    retryable = True
    default_next_step = "Retry, or rephrase the prompt."


class CorruptImage(ProviderError):
    """The bytes that came are not a whole image of an accepted kind."""

    code = "corrupt_image"
    retryable = True
    default_next_step = "Retry; the provider sent a damaged image, which may have been billed."


class Lost(ProviderError):
    """The provider no longer knows the job, or its result has expired."""

    code = "lost"
    retryable = True
    default_next_step = "Retry to run it again; the first run may have been billed."


class Uncertain(ProviderError):
    """Nobody knows whether the provider took the call: it may have been billed, and the answer is gone."""

    code = "uncertain"
    fault = "network"
    retryable = True
    default_next_step = "Retry to send it again (it may be billed a second time), or discard it."


class Interrupted(ProviderError):
    """The kernel stopped before the call was sent. Nothing was paid."""

    code = "interrupted"
    fault = "here"
    retryable = True
    default_next_step = "Retry to send it now; nothing was paid."


def _tree(root: type[ImgplayError]) -> dict[str, type[ImgplayError]]:
    found = {root.code: root}
    for child in root.__subclasses__():
        found |= _tree(child)
    return found


_BY_CODE = _tree(ImgplayError)
