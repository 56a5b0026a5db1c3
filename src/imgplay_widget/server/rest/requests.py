"""The endpoints that generate images, and that tell what a request would cost."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from imgplay_widget import catalog, errors
from imgplay_widget.errors import ImgplayError, InvalidRequest
from imgplay_widget.server.rest.batches import retry_after
from imgplay_widget.server.rest.declare import Asked, Endpoint, JsonAnswer
from imgplay_widget.server.rest.states import batch_answer
from imgplay_widget.server.rest.values import (
    BatchAnswer,
    EstimateAnswer,
    EstimateBody,
    GenerateBody,
    NoFields,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgplay_widget._studio.core import Core
    from imgplay_widget.server.rest.studio import RestStudio

__all__ = ["ENDPOINTS", "KEY"]

logger = logging.getLogger("imgplay_widget")

KEY = "Idempotency-Key"
"""The header by which a client repeats a request without paying twice."""


async def generate(asked: Asked[NoFields, GenerateBody], studio: RestStudio) -> JsonAnswer:
    """Start a request for images. The answer comes at once, and the images come later.

    A request that is refused stores, sends and pays nothing.
    """
    do = partial(_generate, asked.body, studio)
    key = asked.headers.get(KEY)
    return await do() if key is None else await studio.repeats.once(key, asked.body, do)


async def _generate(body: GenerateBody, studio: RestStudio) -> JsonAnswer:
    core = studio.core
    wanted = await _wanted(body, core)
    await core.offers.describe(wanted.model)
    provider, spec = core.registry.find(wanted.model)
    if body.topic_id is not None:
        await core.archive.topic(body.topic_id)
    await core.offers.find_key(provider)
    # An input image is named by its digest alone. So no request reads a file of this machine.
    checked = core.check(
        wanted.prompt,
        model=spec.name,
        n=body.image_num,
        references=[await core.references.find(digest) for digest in body.references],
        mask=None if body.mask is None else await core.references.find(body.mask, "mask"),
        action=body.action,
        params=wanted.params,
    )
    prepared = core.prepare(checked, topic_id=body.topic_id)
    await core.add([prepared], select=False, confirm=body.confirm)
    entry = prepared.entry
    try:
        entry = await core.engine.entry(entry.batch.id)
    except ImgplayError as error:
        # The batch is stored and runs. After an error, the client would send and pay it again.
        logger.warning("The state of a new batch could not be read: %s", error.message)
    return JsonAnswer(
        value=batch_answer(entry, studio.base),
        headers={
            "Location": f"{studio.base}/batches/{entry.batch.id}",
            "Retry-After": await retry_after(prepared.entry, prepared.entry.generations[0], studio),
        },
    )


class _Wanted(NamedTuple):
    prompt: str
    model: str
    params: Mapping[str, Any]


async def _wanted(body: GenerateBody, core: Core) -> _Wanted:
    """Return the prompt, the model and the parameters of a request, also from its preset.

    Raises:
        InvalidRequest: neither the request nor its preset names a model.
        NotFound: there is no such preset, or its model is gone.
    """
    if (body.provider is None) != (body.model is None):
        absent = "provider" if body.provider is None else "model"
        raise InvalidRequest(
            f"{absent} is missing.",
            parameter=absent,
            next_step="Give both provider and model, or neither and a preset that has a model.",
        )
    model = None if body.model is None else f"{body.provider}:{body.model}"
    prompt, params = body.prompt, body.parameters
    if body.preset is not None:
        prompt, model, params = await core.presets.fill(body.preset, prompt, model, params)
    if model is None:
        raise InvalidRequest(
            "The request names no model.",
            parameter="model",
            next_step="Give provider and model, or a preset that has a model.",
        )
    return _Wanted(prompt, model, params)


async def estimate(asked: Asked[NoFields, EstimateBody], studio: RestStudio) -> JsonAnswer:
    """Tell what a request would cost. Nothing is stored or sent."""
    body, core = asked.body, studio.core
    await core.offers.describe(f"{body.provider}:{body.model}")
    provider, spec = core.registry.find(f"{body.provider}:{body.model}")
    request = catalog.make_request(
        spec, n=body.image_num, params=body.parameters, max_count=core.max_count, partial=True
    )
    cost = catalog.request_cost(provider.spec, spec, request, body.reference_num)
    return JsonAnswer(
        value=EstimateAnswer(
            usd=cost and format(cost.expected, "f"),
            least_usd=cost and format(cost.least, "f"),
            most_usd=cost and format(cost.most, "f"),
        )
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/generate",
        function=generate,
        body=GenerateBody,
        status=202,
        answer=BatchAnswer,
        headers={KEY: "A text of your choice. A repeated request with the same key is done once."},
        tells={
            "Location": "The address of the batch.",
            "Retry-After": "The seconds after which it is worth asking for its generations.",
        },
        errors=(
            errors.UnknownParameter,
            errors.NotFound,
            errors.MissingKey,
            errors.OverBudget,
            errors.PriceUnknown,
            errors.DiskFull,
        ),
        group="generate",
    ),
    Endpoint(
        method="POST",
        path="/estimate",
        function=estimate,
        body=EstimateBody,
        answer=EstimateAnswer,
        errors=(errors.UnknownParameter, errors.NotFound),
        group="generate",
    ),
)
"""The endpoints of requests."""
