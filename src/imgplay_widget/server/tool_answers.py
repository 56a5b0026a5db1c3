"""What the tools of agents answer. REST checks what they are given, and has the words of their errors.

An answer is bounded: a page is small, a long text ends with "…", and images are named by their paths.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from imgplay_widget._page.states import model_state
from imgplay_widget._rules.costs import day_start
from imgplay_widget._studio.api import core_of
from imgplay_widget._studio.conditions import check_conditions, wanted_of
from imgplay_widget._text import clean
from imgplay_widget._types import Status
from imgplay_widget.catalog import price_facts
from imgplay_widget.errors import InvalidRequest, NotFound, OverBudget
from imgplay_widget.server.rest import checks
from imgplay_widget.server.rest.batches import retry_after
from imgplay_widget.server.rest.declare import JsonAnswer
from imgplay_widget.server.rest.states import batch_answer
from imgplay_widget.server.rest.studio import rest_studio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from imgplay_widget._studio.studio import Studio
    from imgplay_widget._types import Entry, ModelSpec
    from imgplay_widget.server.rest.declare import Asked, Function
    from imgplay_widget.server.rest.studio import RestStudio

__all__ = ["answer"]

MOST_TEXT = 1000
"""The most characters of a text in an answer, such as a prompt."""

MOST_BATCHES = 10
"""The most batches of a page."""

MOST_IMAGES = 16
"""The most generations of each batch of a page. The state of one batch has all of them."""

MOST_MODELS = 50
"""The most models of a page."""

MOST_CHOICES = 100
"""The most choices of a parameter, such as the checkpoints of a server."""

MOST_SUMS = 20
"""The most models in what was spent."""

NO_BUDGET = (
    "This server has no budget, and without a budget no agent may generate images, not even free ones."
)

SET_BUDGET = (
    "Ask the user to set one in jupyter_server_config.py, such as c.ImgplayServer.budget = 5 (USD a day; 0 "
    "allows free models only), and to start the server again. Nothing was stored, sent or paid."
)


async def answer(
    settings: dict[str, Any], studio: Studio, base: str, name: str, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the answer to a tool. On the loop of the server.

    Args:
        settings: the settings of the server's application.
        studio: the studio.
        base: the path of the REST interface, without a slash at its end.
        name: the name of the tool, without its prefix.
        given: the arguments of the tool.

    Raises:
        ImgplayError: as the endpoints of REST.
    """
    rest = await rest_studio(settings, core_of(studio), base)
    return await rest.ask(partial(_TOOLS[name], rest, **given))


# ------------------------------------------------------------------ the tools, on the engine's loop


async def _generate(
    studio: RestStudio,
    *,
    model: str,
    prompt: str,
    image_num: int,
    parameters: object,
    topic_id: str | None,
    idempotency_key: str | None,
) -> dict[str, Any]:
    if studio.core.budget is None:
        raise OverBudget(NO_BUDGET, next_step=SET_BUDGET)
    body = {
        **_named(model),
        "prompt": prompt,
        "imageNum": image_num,
        "parameters": parameters,
        "topicId": topic_id,
    }
    headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
    begun = await _rest(studio, "POST", "/generate", body=body, headers=headers)
    # The answer of REST stands for the batch, which is not read again: after an error, an agent would send
    # and pay the request once more.
    found = _short(_value(begun))
    return found | {"finished": False, "retryAfter": int(begun.headers["Retry-After"])}


async def _status(studio: RestStudio, *, batch_id: str | None) -> dict[str, Any]:
    if batch_id is not None:
        path = f"/batches/{quote(batch_id, safe='')}"
        asked, _ = _asked("GET", path)
        entry = await studio.core.engine.entry(asked.id)
        return await _batch(studio, entry, None)
    found: dict[str, Entry] = {}
    for status in (Status.PROCESSING, Status.PENDING):
        page = await studio.core.archive.feed(None, limit=MOST_BATCHES, wanted=wanted_of(status=status))
        found |= {entry.batch.id: entry for entry in page.entries}
    newest = sorted(found, reverse=True)[:MOST_BATCHES]
    return {"running": [await _batch(studio, found[one], MOST_IMAGES) for one in newest]}


async def _search(
    studio: RestStudio,
    *,
    conditions: Mapping[str, Any],
    topic: str | None,
    limit: int,
    cursor: str | None,
) -> dict[str, Any]:
    for name in ("min_scores", "max_scores"):
        if not isinstance(conditions[name], dict):
            raise InvalidRequest(f"{name}: Input should be an object.", parameter=name)
    wanted = wanted_of(**conditions)
    most = _limit(limit, MOST_BATCHES)
    asked, _ = _asked("GET", "/batches", query={} if cursor is None else {"cursor": cursor})
    core = studio.core
    topic_id = None if topic is None else await core.topics.existing(topic)
    page = await core.archive.feed(topic_id, before=asked.query.cursor, limit=most, wanted=wanted)
    batches = [await _batch(studio, entry, MOST_IMAGES) for entry in page.entries]
    return {"batches": batches, "next": page.before}


async def _estimate(studio: RestStudio, *, model: str, image_num: int, parameters: object) -> dict[str, Any]:
    body = {**_named(model), "imageNum": image_num, "parameters": parameters}
    return _value(await _rest(studio, "POST", "/estimate", body=body))


async def _spent(studio: RestStudio, *, since: str) -> dict[str, Any]:
    start = {"today": day_start(studio.core.now()).isoformat(), "beginning": None}.get(since, since)
    found = _value(await _rest(studio, "GET", "/spent", query={} if start is None else {"since": start}))
    sums = found["byModel"]
    return found | {
        "byModel": dict(list(sums.items())[:MOST_SUMS]),
        "modelsLeftOut": max(0, len(sums) - MOST_SUMS),
    }


async def _models(
    studio: RestStudio,
    *,
    words: str,
    provider: str | None,
    ready: bool,
    limit: int,
    cursor: str | None,
) -> dict[str, Any]:
    core, most = studio.core, _limit(limit, MOST_MODELS)
    core.archive.aside(core.offers.freshen())
    several = core.registry.providers() if provider is None else [core.registry.get(provider)]
    keys = {one.spec.name: core.keys.state(one.spec) for one in several}
    usable = [name for name, key in keys.items() if not ready or key != "missing"]
    wanted = [spec for spec in core.registry.models() if spec.provider in usable and _has(spec, words)]
    found = sorted(wanted, key=lambda spec: spec.name)
    rest = [spec for spec in found if cursor is None or spec.name > cursor]
    page = rest[:most]
    return {
        "models": [_model(spec, keys[spec.provider], whole=len(found) == 1) for spec in page],
        "mostImages": core.max_count,
        "next": page[-1].name if len(rest) > most else None,
    }


# ------------------------------------------------------------------ REST without a web server


def _asked(
    method: str,
    path: str,
    *,
    query: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[Asked[Any, Any], Function]:
    """Return a request that REST checked, and the function that answers it.

    Raises:
        NotFound: the id in the path cannot be one.
        InvalidRequest: the query or the body is not as REST declares it.
    """
    found = checks.find(path)
    if found is None:
        raise NotFound("An empty text is not an id.")
    endpoint = found.endpoints[method]
    asked = checks.asked(
        endpoint,
        id=found.id,
        query={name: [text] for name, text in (query or {}).items()},
        headers=headers or {},
        media_type="application/json",
        body=json.dumps(body or {}).encode(),
    )
    assert asked is not None
    return asked, endpoint.function


async def _rest(studio: RestStudio, method: str, path: str, **given: Any) -> JsonAnswer:
    """Return the answer of an endpoint that answers in JSON."""
    asked, function = _asked(method, path, **given)
    answered = await function(asked, studio)
    assert isinstance(answered, JsonAnswer)
    return answered


def _value(answered: JsonAnswer) -> dict[str, Any]:
    assert answered.value is not None
    return answered.value.wire()


# ------------------------------------------------------------------ values


def _named(model: str) -> dict[str, str]:
    """Return the fields that name a model in a request.

    Raises:
        InvalidRequest: the model is not written as ``"provider:id"``.
    """
    check_conditions(model, None)
    provider, _, name = model.partition(":")
    return {"provider": provider, "model": name}


def _limit(limit: int, most: int) -> int:
    if not 1 <= limit <= most:
        raise InvalidRequest(f"limit={limit} is out of range: 1 to {most}.", parameter="limit")
    return limit


async def _batch(studio: RestStudio, entry: Entry, most: int | None) -> dict[str, Any]:
    """Return a batch as REST gives it, with what an agent needs beside that.

    Args:
        studio: the studio.
        entry: the batch.
        most: the most generations, or None for all.
    """
    found = _short(batch_answer(entry, studio.base).wire())
    for one, row in zip(found["generations"], entry.generations, strict=True):
        one["progress"] = studio.events.progress.get(row.id)
        one["path"] = None if row.asset is None else str(studio.core.files.path(row.asset.url))
        one |= {"starred": row.starred, "tags": sorted(row.tags), "scores": dict(row.scores)}
    waiting = [row for row in entry.generations if not entry.status_of(row).final]
    found["finished"] = not waiting
    if waiting:
        found["retryAfter"] = int(await retry_after(entry, waiting[0], studio))
    if most is not None:
        found["generationsLeftOut"] = max(0, len(entry.generations) - most)
        found["generations"] = found["generations"][:most]
    return found


def _short(batch: dict[str, Any]) -> dict[str, Any]:
    """Return a batch whose prompt and parameters are short texts."""
    config = {
        name: clean(value, MOST_TEXT) if isinstance(value, str) else value
        for name, value in batch["config"].items()
    }
    return batch | {"prompt": clean(batch["prompt"], MOST_TEXT), "config": config}


def _has(spec: ModelSpec, words: str) -> bool:
    text = f"{spec.name} {spec.title}".casefold()
    return all(word in text for word in words.casefold().split())


def _model(spec: ModelSpec, key: str, *, whole: bool) -> dict[str, Any]:
    """Return a model.

    Args:
        spec: the model.
        key: the state of its provider's key.
        whole: True with its parameters.
    """
    state = model_state(spec).model_dump(mode="json")
    found = {
        "model": spec.name,
        "title": spec.title,
        "description": clean(spec.description, MOST_TEXT),
        "key": key,
        "seed": spec.seed,
        "references": 0 if spec.references is None else spec.references.max_count,
        "mask": spec.mask,
        "price": price_facts(spec),
        "retiredOn": spec.retired_on,
        "successor": spec.successor,
    }
    if whole:
        found["parameters"] = state["parameters"]
        for one in state["parameters"]:
            one["choicesLeftOut"] = max(0, len(one["choices"]) - MOST_CHOICES)
            one["choices"] = one["choices"][:MOST_CHOICES]
    return found


_TOOLS: dict[str, Callable[..., Awaitable[dict[str, Any]]]] = {
    "generate": _generate,
    "status": _status,
    "search": _search,
    "estimate": _estimate,
    "spent": _spent,
    "models": _models,
}
