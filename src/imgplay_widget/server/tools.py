"""The tools of agents on a Jupyter Server: what jupyter-server-mcp finds by the entry point of this package.

Each tool is a function, whose name, arguments and docstring an agent sees. It runs on the server's loop. Not
one of the tools tells a key, deletes anything, or agrees to an unknown price.
"""

# The annotations stay values: jupyter-server-mcp looks for those that are dicts, and reads JSON for them,
# because some agents send such an argument as a text.

import asyncio
import logging
from importlib import import_module
from typing import Any

from imgplay_widget.errors import ImgplayError, InternalError, StudioClosed
from imgplay_widget.server import pages
from imgplay_widget.server.jupyter import HOSTING, TOOLS, running_settings

__all__ = [
    "imgplay_estimate",
    "imgplay_generate",
    "imgplay_models",
    "imgplay_search",
    "imgplay_spent",
    "imgplay_status",
    "offered",
]

logger = logging.getLogger("imgplay_widget")

ANSWERS = "imgplay_widget.server.tool_answers"
"""The module that knows the studio. The first call imports it, because a server must start quickly."""

NEXT_STEPS = {
    "over_budget": (
        "Wait until tomorrow, or ask the user to raise c.ImgplayServer.budget. Nothing was stored, sent or "
        "paid."
    ),
    "price_unknown": (
        "Choose a model whose price imgplay_estimate tells, or ask the user to generate the images on the "
        "page. Only the user can agree to an unknown price. Nothing was stored, sent or paid."
    ),
}
"""The next steps of errors whose own words name Python."""


def offered() -> list[str]:
    """Return the tools that jupyter-server-mcp offers: none where the studio or its tools are turned off."""
    settings = running_settings()
    if settings is None or not settings[TOOLS]:
        return []
    return [f"{__name__}:{name}" for name in __all__ if name != offered.__name__]


async def imgplay_generate(
    model: str,
    prompt: str,
    image_num: int = 1,
    parameters: dict[str, Any] = {},  # noqa: B006 - nobody changes it, and None would need a union
    topic_id: str | None = None,
    idempotency_key: str | None = None,
) -> dict[str, Any]:
    """Generate images, which may cost money. The batch comes back at once, and its images come later.

    Ask imgplay_status for the batch until "finished" is true. The user must have set a budget for the server.
    A request that would exceed the budget of the day, or whose price is not known, is refused.

    Args:
        model: "provider:id", as imgplay_models lists it.
        prompt: the words that describe the image.
        image_num: the number of images.
        parameters: the model's own parameters by name; imgplay_models lists them for one model.
        topic_id: the id of the topic of the batch; a new topic is made without it.
        idempotency_key: a text of your choice. A call that is repeated with the same text is paid once.
    """
    return await _answer(
        "generate",
        model=model,
        prompt=prompt,
        image_num=image_num,
        parameters=parameters,
        topic_id=topic_id,
        idempotency_key=idempotency_key,
    )


async def imgplay_status(batch_id: str | None = None) -> dict[str, Any]:
    """Return the state of a batch with its images, or the batches that have unfinished images now.

    "retryAfter" is the number of seconds after which it is worth asking again. A finished image has the path
    of its file on the machine of the server.

    Args:
        batch_id: the id of a batch; without it, the batches that run are listed.
    """
    return await _answer("status", batch_id=batch_id)


async def imgplay_search(
    words: str = "",
    topic: str | None = None,
    model: str | None = None,
    status: str | None = None,
    starred: bool = False,  # noqa: FBT001, FBT002 - an agent names each argument
    tag: str | None = None,
    min_scores: dict[str, Any] = {},  # noqa: B006 - see `imgplay_generate`
    max_scores: dict[str, Any] = {},  # noqa: B006
    sort_by: str | None = None,
    lowest_first: bool = False,  # noqa: FBT001, FBT002
    limit: int = 5,
    cursor: str | None = None,
) -> dict[str, Any]:
    """Return a page of the batches in the history that meet all conditions, the newest first.

    Args:
        words: words of the prompt, in any order and in any case.
        topic: a topic, its id or its title.
        model: "provider:id".
        status: the state of an image of the batch: pending, processing, success, error or cancelled.
        starred: true for batches with a starred image.
        tag: a tag of an image of the batch.
        min_scores: the least that scores of an image may be, by the names of the scores.
        max_scores: the most that they may be.
        sort_by: the name of a score, by which the batches are sorted, the highest first.
        lowest_first: true sorts by the lowest score first.
        limit: the most batches of the page, 1 to 10.
        cursor: the "next" of the page before.
    """
    return await _answer(
        "search",
        conditions={
            "words": words,
            "model": model,
            "status": status,
            "starred": starred,
            "tag": tag,
            "min_scores": min_scores,
            "max_scores": max_scores,
            "sort_by": sort_by,
            "lowest_first": lowest_first,
        },
        topic=topic,
        limit=limit,
        cursor=cursor,
    )


async def imgplay_estimate(
    model: str,
    image_num: int = 1,
    parameters: dict[str, Any] = {},  # noqa: B006 - see `imgplay_generate`
) -> dict[str, Any]:
    """Tell what a request would cost by the list price, in USD: "usd" is the amount to expect, "leastUsd" and
    "mostUsd" are the range. A budget counts the most. They are null where nobody knows. Nothing is sent.

    Args:
        model: "provider:id".
        image_num: the number of images.
        parameters: the model's own parameters by name.
    """
    return await _answer("estimate", model=model, image_num=image_num, parameters=parameters)


async def imgplay_spent(since: str = "today") -> dict[str, Any]:
    """Return what was spent, by model, and the budget of the day. Failed calls that were billed count.

    Args:
        since: "today", "beginning", or a time such as 2026-05-04T00:00:00Z.
    """
    return await _answer("spent", since=since)


async def imgplay_models(
    words: str = "",
    provider: str | None = None,
    ready: bool = True,  # noqa: FBT001, FBT002 - an agent names each argument
    limit: int = 20,
    cursor: str | None = None,
) -> dict[str, Any]:
    """Return a page of the models that can be used. Where only one model is left, it has its parameters.

    Args:
        words: parts of the name ("provider:id") or of the title, in any order.
        provider: the name of a provider.
        ready: true leaves out the models whose key is missing.
        limit: the most models of the page, 1 to 50.
        cursor: the "next" of the page before.
    """
    return await _answer("models", words=words, provider=provider, ready=ready, limit=limit, cursor=cursor)


async def _answer(name: str, **given: Any) -> dict[str, Any]:
    """Return the answer to a tool, from the studio of the owner of the server, on its engine's loop."""
    try:
        return await _ask(name, given)
    except ImgplayError as error:
        refusal = error
    except Exception:
        # The words of any other error may hold anything.
        logger.exception("The tool %s failed", name)
        refusal = InternalError("This failed inside imgplay-widget; the log has more.")
    from fastmcp.exceptions import ToolError

    # The caller of a tool logs other errors with their whole way through the code.
    step = refusal.next_step
    if step == refusal.default_next_step:
        step = NEXT_STEPS.get(refusal.code, step)
    raise ToolError(f"{refusal.message} {step}".strip())


async def _ask(name: str, given: dict[str, Any]) -> dict[str, Any]:
    settings = running_settings()
    if settings is None:
        raise StudioClosed("The server stops.", next_step="Try again when the server runs again.")
    studio = (await settings[HOSTING].studio(None)).studio
    answers = await asyncio.get_running_loop().run_in_executor(None, import_module, ANSWERS)
    base = f"{settings['base_url'].rstrip('/')}/{pages.API}"
    return await answers.answer(settings, studio, base, name, given)
