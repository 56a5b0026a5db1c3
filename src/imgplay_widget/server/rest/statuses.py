"""The HTTP status of each error of the tree."""

from __future__ import annotations

from http import HTTPStatus

from imgplay_widget import errors
from imgplay_widget.errors import ImgplayError

__all__ = ["STATUSES", "status_of"]

STATUSES: dict[type[ImgplayError], HTTPStatus] = {
    ImgplayError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InvalidRequest: HTTPStatus.BAD_REQUEST,
    errors.NoAbleModel: HTTPStatus.BAD_REQUEST,
    errors.TakesNoImages: HTTPStatus.BAD_REQUEST,
    errors.UnknownParameter: HTTPStatus.BAD_REQUEST,
    errors.OverBudget: HTTPStatus.PAYMENT_REQUIRED,
    errors.PriceUnknown: HTTPStatus.PAYMENT_REQUIRED,
    errors.ConfirmationNeeded: HTTPStatus.PAYMENT_REQUIRED,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.PageOutdated: HTTPStatus.CONFLICT,
    errors.NoThreads: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StoreError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.StoreTooNew: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.StoreDamaged: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.BackupDamaged: HTTPStatus.BAD_REQUEST,
    errors.StoreLocked: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DiskFull: HTTPStatus.INSUFFICIENT_STORAGE,
    errors.MissingPackage: HTTPStatus.NOT_IMPLEMENTED,
    errors.QueryTooLong: HTTPStatus.BAD_REQUEST,
    # The image itself can be fetched, and only its picture does not exist.
    errors.NotShown: HTTPStatus.NOT_FOUND,
    errors.NoPage: HTTPStatus.CONFLICT,
    errors.StudioClosed: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Cancelled: HTTPStatus.CONFLICT,
    errors.ProviderError: HTTPStatus.BAD_GATEWAY,
    # These five wait for the owner of the server, and the same request is right afterwards.
    errors.MissingKey: HTTPStatus.CONFLICT,
    errors.BadKey: HTTPStatus.CONFLICT,
    errors.MissingExtra: HTTPStatus.CONFLICT,
    errors.NetworkSetting: HTTPStatus.CONFLICT,
    errors.ProviderMissing: HTTPStatus.CONFLICT,
    errors.BillingError: HTTPStatus.PAYMENT_REQUIRED,
    errors.QuotaUsedUp: HTTPStatus.TOO_MANY_REQUESTS,
    errors.BadRequest: HTTPStatus.BAD_REQUEST,
    errors.Moderated: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ModelNotFound: HTTPStatus.NOT_FOUND,
    errors.RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ServerError: HTTPStatus.BAD_GATEWAY,
    errors.InternalError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.NetworkError: HTTPStatus.BAD_GATEWAY,
    errors.ConnectFailed: HTTPStatus.BAD_GATEWAY,
    errors.DeadlineExceeded: HTTPStatus.GATEWAY_TIMEOUT,
    errors.BadResponse: HTTPStatus.BAD_GATEWAY,
    errors.NoImage: HTTPStatus.BAD_GATEWAY,
    errors.CorruptImage: HTTPStatus.BAD_GATEWAY,
    errors.NotFetched: HTTPStatus.BAD_GATEWAY,
    errors.Lost: HTTPStatus.GONE,
    errors.Uncertain: HTTPStatus.BAD_GATEWAY,
    errors.Interrupted: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The status of an answer that refuses a request with an error of this class."""


def status_of(kind: type[ImgplayError]) -> HTTPStatus:
    """Return the status of an error: that of its class, or of the nearest class above it."""
    return next(STATUSES[one] for one in kind.__mro__ if one in STATUSES)
