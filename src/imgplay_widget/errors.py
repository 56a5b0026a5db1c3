"""The errors of the package, as one tree.

::

    ImgplayError
    ├── InvalidRequest (ValueError)      bad input; nothing was stored, sent or paid
    │   ├── NoAbleModel                  no model that can be used now does this with an image
    │   └── TakesNoImages                the model gets input images and takes none
    ├── UnknownParameter (TypeError)     a keyword that the model does not have
    ├── OverBudget                       the budget of the day does not allow it
    ├── PriceUnknown                     there is a budget, and the price of the call is not known
    ├── ConfirmationNeeded               many requests at once, which the user did not agree to
    ├── NotFound (LookupError)           no topic, batch, generation … has this name or id
    ├── PageOutdated                     the page and the studio are of different versions
    ├── NoThreads                        this Python cannot start a thread; nothing was stored
    ├── StoreError                       the database or the asset files
    │   ├── StoreTooNew                  the file was written by a newer version
    │   ├── StoreDamaged                 the database is damaged; the images stay in their folder
    │   ├── BackupDamaged                a backup is cut off, damaged or not a backup
    │   ├── StoreLocked                  another program holds the database
    │   └── DiskFull                     an asset could not be written
    ├── MissingPackage               a package that the call needs is not installed
    ├── QueryTooLong                 a query took longer than its limit, and was stopped
    ├── NotShown                         an image is stored, but its pixels cannot be read here
    ├── NoPage                           the call needs a page, and a Studio has none
    ├── StudioClosed                     the studio was closed, or another process made it
    ├── Cancelled                        the user stopped the work
    └── ProviderError                    a provider, or the way to it, failed
        ├── MissingKey                   no key is set
        ├── MissingExtra                 a package that the provider needs is not installed
        ├── NetworkSetting               a variable of the network (proxy, certificates) cannot be used
        ├── BadKey                       the key was refused
        ├── BillingError                 the account has no credit, or its quota is used up
        │   └── QuotaUsedUp              a quota for a long time, such as a day, is used up
        ├── BadRequest                   the provider refused the parameters
        ├── Moderated                    the provider refused the content
        ├── ModelNotFound                the model is unknown or retired
        ├── RateLimited                  too many requests; no work was done
        ├── Overloaded                   the provider has no capacity; no work was done
        ├── ProviderMissing              this studio does not have the provider or its model
        ├── ServerError                  the provider failed
        │   └── InternalError            this package failed while it worked on the request
        ├── NetworkError                 the connection failed
        │   └── ConnectFailed            the connection failed before anything was sent
        ├── DeadlineExceeded             the task took longer than its deadline allows
        ├── BadResponse                  the answer does not follow the provider's protocol
        ├── NoImage                      the answer does not hold the image
        ├── CorruptImage                 the bytes are not an image, or too damaged to be one
        ├── NotFetched                   the image is finished and paid for, and could not be fetched yet
        ├── Lost                         the provider no longer knows the job or its result
        ├── Uncertain                    nobody knows whether the provider took (and billed) the call
        └── Interrupted                  the studio stopped before the call was sent

Each error says what happened, whose fault it is and the next step, and holds the same as data. A message
never holds a key: the code that raises an error first passes a foreign text through `redact` of
`imgplay_widget.providers.http`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from imgplay_widget._text import MAX_ECHO, MAX_MESSAGE, MAX_NAME, clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "BackupDamaged",
    "BadKey",
    "BadRequest",
    "BadResponse",
    "BillingError",
    "Cancelled",
    "ConfirmationNeeded",
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
    "MissingPackage",
    "ModelNotFound",
    "Moderated",
    "NetworkError",
    "NetworkSetting",
    "NoAbleModel",
    "NoImage",
    "NoPage",
    "NoThreads",
    "NotFetched",
    "NotFound",
    "NotShown",
    "OverBudget",
    "Overloaded",
    "PageOutdated",
    "PriceUnknown",
    "ProviderError",
    "ProviderMissing",
    "QueryTooLong",
    "QuotaUsedUp",
    "RateLimited",
    "ServerError",
    "StoreDamaged",
    "StoreError",
    "StoreLocked",
    "StoreTooNew",
    "StudioClosed",
    "TakesNoImages",
    "Uncertain",
    "UnknownParameter",
]

Fault = Literal["you", "provider", "network", "here"]

_LIMITS = {"message": MAX_MESSAGE, "next_step": MAX_MESSAGE, "provider": MAX_NAME, "request_id": MAX_NAME}
"""The texts of an error that may come from outside, with the most characters of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorInfo:
    """An error as a value, which is stored with a task and shown on a tile.

    Attributes:
        code: a stable word, for instance ``"rate_limited"``.
        message: what happened, in a sentence.
        next_step: what the user can do about it, in a sentence.
        fault: whose fault it is: ``"you"``, ``"provider"``, ``"network"`` or ``"here"`` (this machine).
        provider: the provider's name, or None where no provider took part.
        retryable: True where the same request may succeed later.
        retry_after: seconds to wait before the next try, or None where the provider did not say.
        request_id: the provider's own id of the call, for its support.
        maybe_billed: True where the provider may have billed the call that failed.
    """

    code: str
    message: str
    next_step: str
    fault: Fault
    provider: str | None = None
    retryable: bool = False
    retry_after: float | None = None
    request_id: str | None = None
    maybe_billed: bool = False

    def __post_init__(self) -> None:
        """Clean the texts, which a provider may have sent."""
        for name, most in _LIMITS.items():
            text = getattr(self, name)
            if text is not None:
                object.__setattr__(self, name, clean(str(text), most))

    def to_json(self) -> dict[str, Any]:
        """Return the value as a dict of JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ErrorInfo:
        """Return the value that `to_json` wrote, without keys that a newer version may have added."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in data.items() if key in known})

    def to_exception(self) -> ImgplayError:
        """Return an exception with the code, the texts and the data of this value."""
        kind = _BY_CODE.get(self.code, ProviderError)
        if issubclass(kind, ProviderError):
            error: ImgplayError = kind(
                self.message,
                provider=self.provider,
                next_step=self.next_step,
                retryable=self.retryable,
                retry_after=self.retry_after,
                request_id=self.request_id,
                maybe_billed=self.maybe_billed,
            )
        else:
            error = kind(self.message, next_step=self.next_step)
        error.code, error.fault = self.code, self.fault
        return error


class ImgplayError(Exception):
    """The root of all errors of this package.

    Args:
        message: what happened.
        next_step: what the user can do about it; each class has a default.
    """

    code: str = "error"
    fault: Fault = "here"
    retryable: bool = False
    default_next_step: ClassVar[str] = "Try again. If the error comes back, report it with this text."
    most_characters: ClassVar[int] = MAX_MESSAGE

    def __init__(self, message: str, *, next_step: str | None = None) -> None:
        self.message = clean(message, self.most_characters)
        super().__init__(self.message)
        self.next_step = clean(self.default_next_step if next_step is None else next_step, MAX_MESSAGE)

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}".strip()

    @property
    def info(self) -> ErrorInfo:
        """The error as a value, to store and to show."""
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
        message: what is wrong; it names the parameter, its value and its range.
        parameter: the name of the parameter, or None where the request as a whole is wrong.
    """

    code = "invalid_request"
    fault = "you"
    most_characters = MAX_ECHO
    default_next_step = "Correct the value and call again. Nothing was stored, sent or paid."

    def __init__(self, message: str, *, parameter: str | None = None, next_step: str | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.parameter = None if parameter is None else clean(parameter, MAX_NAME)


class NoAbleModel(InvalidRequest):
    """No model that can be used now does this with an image. Nothing was stored, sent or paid.

    Args:
        message: what no model does.
        ability: what was asked for, such as ``"upscale"``.
        models: the names (``"provider:id"``) of models that do it, or would if their key were set.
    """

    code = "no_able_model"
    default_next_step = "Set the key of a provider that has such a model. Nothing was stored, sent or paid."

    def __init__(
        self,
        message: str,
        *,
        parameter: str | None = None,
        next_step: str | None = None,
        ability: str = "",
        models: Sequence[str] = (),
    ) -> None:
        super().__init__(message, parameter=parameter, next_step=next_step)
        self.ability = ability
        self.models = tuple(models)


class TakesNoImages(InvalidRequest):
    """The model gets input images and takes none. Nothing was stored, sent or paid.

    Args:
        message: names the model.
        models: the names (``"provider:id"``) of models that take images and can be used now, the best first.
    """

    code = "takes_no_images"
    default_next_step = "Leave the references out, or choose a model that takes input images."

    def __init__(
        self,
        message: str,
        *,
        parameter: str | None = None,
        next_step: str | None = None,
        models: Sequence[str] = (),
    ) -> None:
        super().__init__(message, parameter=parameter, next_step=next_step)
        self.models = tuple(models)


class UnknownParameter(ImgplayError, TypeError):
    """The model does not have a parameter of this name. Nothing was stored, sent or paid."""

    code = "unknown_parameter"
    fault = "you"
    most_characters = MAX_ECHO
    default_next_step = "Leave the parameter out, or choose a model that has it. Nothing was stored or paid."


class OverBudget(ImgplayError):
    """The request would take the day's total over the budget. Nothing was stored, sent or paid."""

    code = "over_budget"
    fault = "you"
    default_next_step = (
        "Raise the budget (in Python, pg.budget = 10 means 10 USD a day, None means no limit), or wait until "
        "tomorrow. Nothing was stored, sent or paid."
    )


class PriceUnknown(ImgplayError):
    """There is a budget, and the price of the call is not known. Nothing was stored, sent or paid."""

    code = "price_unknown"
    fault = "you"
    default_next_step = (
        "Call again with confirm=True (on the page: press the button) to pay an unknown price, or choose a "
        "model whose price is known. Nothing was stored, sent or paid."
    )


class ConfirmationNeeded(ImgplayError):
    """So many requests at once need the user's agreement. Nothing was stored, sent or paid."""

    code = "confirmation_needed"
    fault = "you"
    default_next_step = (
        "Call again with confirm=True to send all of them, or ask for fewer. Nothing was stored or paid."
    )


class NotFound(ImgplayError, LookupError):
    """The named topic, batch, generation, model or provider does not exist."""

    code = "not_found"
    fault = "you"
    most_characters = MAX_ECHO
    default_next_step = "List what exists, and choose again. What you named may have been deleted."


class PageOutdated(ImgplayError):
    """The page was loaded from another version of the package than the one that runs the studio."""

    code = "page_outdated"
    fault = "here"
    default_next_step = "Load the page again. In a notebook, first save the notebook and run the cell again."


class NoThreads(ImgplayError):
    """This Python cannot start a thread, as in JupyterLite. Nothing was stored."""

    code = "no_threads"
    fault = "here"
    default_next_step = (
        "Use a Python that runs outside of the browser, as in JupyterLab, Jupyter Notebook, VS Code or "
        "Google Colab."
    )


class StoreError(ImgplayError):
    """The database or the asset files failed."""

    code = "store"
    default_next_step = "Check that the store's folder exists and is writable, and that its disk works."


class StoreTooNew(StoreError):
    """The database was written by a newer version of this package."""

    code = "store_too_new"
    default_next_step = "Update imgplay-widget, or choose another store."


class StoreDamaged(StoreError):
    """The database is damaged, or is not one of this package. The images stay in their folder."""

    code = "store_damaged"
    default_next_step = (
        "No image is lost: the images stay in the folder beside the database, so keep this folder. Put an "
        "earlier copy of the database in its place, or restore a backup with Studio.restore(path, store)."
    )


class BackupDamaged(StoreError):
    """A file is not a whole backup. Nothing was restored from it."""

    code = "backup_damaged"
    default_next_step = "Use another backup, or copy this one again. Nothing was restored."


class StoreLocked(StoreError):
    """Another program has held the database for longer than the busy timeout."""

    code = "store_locked"
    retryable = True
    default_next_step = "Close the program that holds the database, then try again. Nothing is lost."


class DiskFull(StoreError):
    """The disk is full: a file could not be written whole."""

    code = "disk_full"
    retryable = True
    default_next_step = "Free some space on the store's disk, then retry."


class NotShown(ImgplayError):
    """An image is stored as it came, but its pixels cannot be read here.

    Attributes:
        reason: ``"kind"`` (nothing here reads images of this kind, or an SVG would have to be drawn),
            ``"large"`` (the pixels would take too much memory) or ``"damaged"``.
    """

    code = "not_shown"
    default_next_step = (
        "Save the original (in code: save, bytes or path of the generation), and open the file in another "
        "program."
    )

    def __init__(
        self,
        message: str,
        *,
        reason: Literal["kind", "large", "damaged"] = "kind",
        next_step: str | None = None,
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.reason: Literal["kind", "large", "damaged"] = reason


class MissingPackage(ImgplayError):
    """A package that the call needs is not installed. Nothing else needs it."""

    code = "missing_package"
    fault = "here"
    retryable = True
    default_next_step = "Install the package, then call again."


class QueryTooLong(ImgplayError):
    """A query took longer than its limit, and was stopped."""

    code = "query_too_long"
    fault = "you"
    default_next_step = "Ask for less: fewer rows, or a simpler query."


class NoPage(ImgplayError):
    """The call needs a page, and a `Studio` has none."""

    code = "no_page"
    fault = "you"
    default_next_step = "Show the studio with ImagePlayground(studio=studio), and use the playground."


class StudioClosed(ImgplayError):
    """The studio was closed, or another process made it."""

    code = "studio_closed"
    fault = "you"
    default_next_step = "Create a new Studio or ImagePlayground. A server opens one when it starts again."


class Cancelled(ImgplayError):
    """The user stopped the work."""

    code = "cancelled"
    fault = "you"
    retryable = True
    default_next_step = "Retry to generate the image after all."


class ProviderError(ImgplayError):
    """A provider, or the way to it, failed.

    Args:
        message: what happened; it must not hold a key.
        provider: the provider's name.
        next_step: what the user can do about it; each class has a default.
        retryable: True where the same request may succeed later; each class has a default.
        retry_after: seconds that the provider asked to wait, or None.
        request_id: the provider's own id of the call.
        maybe_billed: True where the provider may have done (and billed) the work. Only the user may then
            repeat the call; each class has a default.
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
        self.request_id = None if request_id is None else clean(request_id, MAX_NAME)
        if retryable is not None:
            self.retryable = retryable
        if maybe_billed is not None:
            self.maybe_billed = maybe_billed

    @property
    def info(self) -> ErrorInfo:
        """The error as a value, to store and to show."""
        return ErrorInfo(
            code=self.code,
            message=self.message,
            next_step=self.next_step,
            fault=self.fault,
            provider=self.provider,
            retryable=self.retryable,
            retry_after=self.retry_after,
            request_id=self.request_id,
            maybe_billed=self.maybe_billed,
        )


class MissingKey(ProviderError):
    """No key is set for the provider."""

    code = "missing_key"
    fault = "you"
    retryable = True
    default_next_step = "Set the provider's key, or choose a demo model, which does not need a key."


class MissingExtra(ProviderError):
    """A package that the provider needs is not installed. Nothing was sent."""

    code = "missing_extra"
    fault = "here"
    retryable = True
    default_next_step = "Install the package, then retry."


class NetworkSetting(ProviderError):
    """An environment variable of the network cannot be used. The message names the variable."""

    code = "network_setting"
    fault = "here"
    retryable = True
    default_next_step = (
        "Correct the variable that the message names, or unset it, then retry. Nothing was sent."
    )


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


class QuotaUsedUp(BillingError):
    """A quota for a long time, such as a day or a month, is used up. The call did no work."""

    code = "quota"
    retryable = True
    default_next_step = (
        "Wait until the quota begins anew, raise it on the provider's page, or choose another model or key."
    )


class BadRequest(ProviderError):
    """The provider refused the parameters."""

    code = "bad_request"
    fault = "you"
    default_next_step = "Change the parameter that the message names, then generate again."


class Moderated(ProviderError):
    """The provider's content rules refused the prompt, a reference or the finished image."""

    code = "moderated"
    fault = "you"
    default_next_step = "Rephrase the prompt or change the reference. The same request will be refused again."


class ModelNotFound(ProviderError):
    """The provider does not know the model, or no longer offers it."""

    code = "model_not_found"
    fault = "you"
    default_next_step = "Choose another model. This one may be retired, or your account may not use it."


class RateLimited(ProviderError):
    """The provider got too many requests at once. It did not do any work."""

    code = "rate_limited"
    retryable = True
    default_next_step = "Wait a little, then retry."


class Overloaded(ProviderError):
    """The provider has no capacity at the moment. It did not do any work."""

    code = "overloaded"
    retryable = True
    default_next_step = "Wait a little, then retry."


class ServerError(ProviderError):
    """The provider failed while it worked on the request."""

    code = "server_error"
    retryable = True
    default_next_step = "Retry. If the error comes back, see the provider's status page."


class InternalError(ServerError):
    """This package failed while it worked on the request. The log has the details."""

    code = "internal"
    fault = "here"
    default_next_step = "Retry. If the error comes back, report it with the log."


class ProviderMissing(ProviderError):
    """This studio does not have the provider that began the request, or its model."""

    code = "provider_missing"
    fault = "you"
    retryable = True
    default_next_step = (
        "Install the provider that began the request, or pass it with providers=[…], then retry."
    )


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
    default_next_step = "Check the network and the provider's address, then retry. Nothing was sent."


class DeadlineExceeded(ProviderError):
    """The task took longer than its deadline allows."""

    code = "deadline"
    retryable = True
    default_next_step = "Retry, or give the task more time with deadline=."


class BadResponse(ProviderError):
    """The answer does not follow the provider's protocol."""

    code = "bad_response"
    retryable = True
    maybe_billed = True
    default_next_step = "Check the base URL, because a proxy or a login page may have answered. Then retry."


class NoImage(ProviderError):
    """The provider answered without the image."""

    code = "no_image"
    retryable = True
    maybe_billed = True
    default_next_step = "Retry, or rephrase the prompt."


class CorruptImage(ProviderError):
    """The bytes that arrived are not an image, or so damaged that nothing of the image is left."""

    code = "corrupt_image"
    retryable = True
    maybe_billed = True
    default_next_step = "Retry. The provider sent a damaged image, which it may have billed."


class NotFetched(ProviderError):
    """The image is finished and may be paid for, but could not be fetched yet. Its link is kept."""

    code = "not_fetched"
    retryable = True
    maybe_billed = True
    default_next_step = "Retry to fetch the image once more. This does not start a new run and costs nothing."


class Lost(ProviderError):
    """The provider no longer knows the job, or its result has expired.

    Attributes:
        gone: True where the server says that the result never comes back (HTTP 410).
    """

    code = "lost"
    retryable = True
    gone: bool = False
    default_next_step = (
        "Retry to generate the image again. The new run will be billed, and the first one may have been."
    )


class Uncertain(ProviderError):
    """The answer is lost, so nobody knows whether the provider took (and billed) the call."""

    code = "uncertain"
    fault = "network"
    retryable = True
    default_next_step = "Retry to send the call again (it may be billed twice), or discard the image."


class Interrupted(ProviderError):
    """The studio stopped before the call was sent. Nothing was paid."""

    code = "interrupted"
    fault = "here"
    retryable = True
    default_next_step = "Retry to send the call now. Nothing was paid."


def _by_code(root: type[ImgplayError]) -> dict[str, type[ImgplayError]]:
    found = {root.code: root}
    for child in root.__subclasses__():
        found |= _by_code(child)
    return found


_BY_CODE = _by_code(ImgplayError)
