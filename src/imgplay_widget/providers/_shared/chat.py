"""Ask one question by chat completions, which OpenAI, compatible servers and routers share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgplay_widget.errors import BadResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgplay_widget.errors import ProviderError
    from imgplay_widget.providers.http import Http, Reply

__all__ = ["ask"]


async def ask(
    http: Http,
    url: str,
    model: str,
    instruction: str,
    text: str,
    failure: Callable[[Reply, Http], ProviderError],
) -> str:
    """Send one question and return the words of the answer.

    Args:
        http: the provider's client.
        url: the address of ``/chat/completions``.
        model: the text model.
        instruction: the system's message.
        text: the user's message.
        failure: makes the error of a failed answer.

    Raises:
        ProviderError: the error that `failure` makes.
        BadResponse: the answer holds no words.
    """
    messages = [{"role": "system", "content": instruction}, {"role": "user", "content": text}]
    reply = await http.request("POST", url, json={"model": model, "messages": messages})
    if not reply.ok:
        raise failure(reply, http)
    try:
        said: Any = reply.json()["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError, ValueError):
        said = None
    if not isinstance(said, str):
        raise BadResponse("The text model's answer holds no words.", provider=http.provider.spec.name)
    return said
