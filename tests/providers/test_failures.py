"""What each HTTP status means: the class of the error, and whether the call may have been billed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from imgplay_widget.errors import (
    BadKey,
    BadRequest,
    BadResponse,
    BillingError,
    ConnectFailed,
    MissingKey,
    ModelNotFound,
    Moderated,
    NetworkError,
    NoImage,
    Overloaded,
    ProviderError,
    RateLimited,
    ServerError,
)
from imgplay_widget.providers import Http, Provider
from imgplay_widget.providers._shared.failures import before_the_call, failure, perhaps_billed, unbilled
from imgplay_widget.providers._shared.jobs import refusal
from imgplay_widget.providers._shared.openai_errors import error_from as openai_error
from imgplay_widget.providers.comfyui import ComfyUI
from imgplay_widget.providers.gemini import Gemini
from imgplay_widget.providers.gemini.errors import error_from as gemini_error
from imgplay_widget.providers.http import Reply
from imgplay_widget.providers.openai import OpenAI
from imgplay_widget.providers.openrouter import OpenRouter
from imgplay_widget.providers.openrouter.errors import error_from as openrouter_error
from imgplay_widget.providers.volcengine import Volcengine
from imgplay_widget.providers.zhipu import Zhipu

# Status, class of error, and whether the call may have been billed.
TABLE = [
    (200, BadResponse, True),
    (204, BadResponse, True),
    (301, BadResponse, False),
    (307, BadResponse, False),
    (400, BadRequest, False),
    (401, BadKey, False),
    (402, BillingError, False),
    (403, BadKey, False),
    (404, ModelNotFound, False),
    (405, BadRequest, False),
    (408, ServerError, True),
    (409, BadRequest, False),
    (410, ModelNotFound, False),
    (413, BadRequest, False),
    (422, BadRequest, False),
    (425, Overloaded, False),
    (429, RateLimited, False),
    (451, Moderated, False),
    (499, ServerError, True),
    (500, ServerError, False),
    (501, ServerError, False),
    (502, ServerError, True),
    (503, Overloaded, False),
    (504, ServerError, True),
    (520, ServerError, True),
    (524, ServerError, True),
    (529, Overloaded, False),
]

WORDLESS = [row for row in TABLE if row[0] >= 300]


def client(provider: Provider) -> Http:
    """A client that is never used to send anything."""
    return Http(provider, None, lambda: "sk-canary-1234567890abcdef")  # type: ignore[arg-type]


def reply(status: int, body: bytes = b"{}", **headers: str) -> Reply:
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


@pytest.mark.parametrize(("status", "kind", "billed"), TABLE)
def test_a_status_is_a_class_and_says_whether_it_may_be_billed(
    status: int, kind: type[ProviderError], billed: bool
) -> None:
    error = failure(reply(status), client(Zhipu()))
    assert (type(error), error.maybe_billed) == (kind, billed)
    assert error.provider == "zhipu"
    assert str(status) in error.message
    assert error.next_step


READERS: dict[str, Callable[[Reply], ProviderError]] = {
    "openai": lambda answer: openai_error(answer, client(OpenAI())),
    "openrouter": lambda answer: openrouter_error(answer, client(OpenRouter())),
    "gemini": lambda answer: gemini_error(answer, client(Gemini())),
    "jobs": lambda answer: refusal(answer, "", client(Zhipu())),
    "cloud": lambda answer: Zhipu().error(answer, client(Zhipu())),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(("status", "kind", "billed"), WORDLESS)
def test_every_provider_reads_a_status_without_words_alike(
    reader: str, status: int, kind: type[ProviderError], billed: bool
) -> None:
    error = READERS[reader](reply(status))
    assert (type(error), error.maybe_billed) == (kind, billed)


@pytest.mark.parametrize("status", [500, 502, 504, 523])
def test_comfyui_reads_a_status_like_the_others_and_bills_nothing(status: int) -> None:
    provider = ComfyUI()
    error = provider._error(reply(status), client(provider))
    assert isinstance(error, ServerError)
    assert not error.maybe_billed
    assert not provider._error(reply(404), client(provider)).maybe_billed


@pytest.mark.parametrize(
    ("kind", "status", "billed"),
    [
        # A provider's own words name the class, and the status decides what it may have cost.
        (ServerError, 200, True),
        (ServerError, 400, False),
        (ServerError, 500, False),
        (ServerError, 504, True),
        (Moderated, 200, False),
        (Moderated, 500, False),
        (BadResponse, 404, False),
        (NoImage, 200, True),
    ],
)
def test_own_words_choose_the_class_and_not_the_bill(
    kind: type[ProviderError], status: int, billed: bool
) -> None:
    error = failure(reply(status), client(Zhipu()), "its own words", kind=kind)
    assert (type(error), error.maybe_billed) == (kind, billed)
    assert error.message == "Zhipu: its own words"


def test_a_provider_that_never_bills_a_failure_says_so() -> None:
    assert not failure(reply(502), client(Zhipu()), never_billed=True).maybe_billed
    spoken = reply(502, b'{"error": {"message": "the host failed"}}')
    assert not openrouter_error(spoken, client(OpenRouter())).maybe_billed
    assert openrouter_error(reply(502, b"<html>"), client(OpenRouter())).maybe_billed


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"retry_after": "7"}, 7.0),
        (429, {"retry_after_ms": "2500"}, 2.5),
        (503, {"retry_after": "3"}, 3.0),
        (500, {"retry_after": "3"}, 3.0),
        (429, {}, None),
        # Waiting does not help against these.
        (400, {"retry_after": "7"}, None),
        (402, {"retry_after": "7"}, None),
    ],
)
def test_the_time_to_wait_comes_with_errors_that_end_by_themselves(
    status: int, headers: dict[str, str], seconds: float | None
) -> None:
    assert failure(reply(status, **headers), client(Zhipu())).retry_after == seconds


def test_a_redirect_names_the_base_url_and_a_key_is_never_shown() -> None:
    assert "base URL" in failure(reply(302), client(Zhipu())).next_step
    error = failure(reply(400), client(Zhipu()), "wrong key sk-canary-1234567890abcdef")
    assert "canary" not in str(error)


def raised(error: ProviderError) -> ProviderError:
    with pytest.raises(ProviderError) as caught, before_the_call():
        raise error
    return caught.value


def test_a_step_before_the_call_costs_nothing() -> None:
    cases: list[Any] = [NetworkError("broke"), BadResponse("no address"), ConnectFailed("no way")]
    assert [raised(error).maybe_billed for error in cases] == [False] * 3
    assert perhaps_billed(Moderated("held back")).maybe_billed
    assert not unbilled(NetworkError("broke")).maybe_billed


NO_MODEL = [
    # The words of servers and gateways for a model that they do not have.
    (400, "acme/none is not a valid model ID"),
    (400, "/images/generations: Invalid model name passed in model=none. Call `/v1/models` to view models."),
    (400, "The requested model 'acme/none' does not exist"),
    (400, "Unable to access non-serverless model acme/none. Please visit the page to create an endpoint."),
    (400, "Model acme/none is not supported by provider together."),
    (400, "LLM Provider NOT provided. You passed model=none."),
    (403, "Project does not have access to model `none`"),
    (404, "No endpoints found for acme/none."),
    (404, "The model `none` does not exist or you do not have access to it."),
    (422, "no such model: none"),
    (422, "model 'none' not found"),
    (422, "Unknown model none"),
    (500, "could not load model: Model not found"),
    (503, "No available channel for model none under group default"),
    (400, "模型 none 不存在"),
]


SPOKEN: dict[str, Callable[[Reply, str], ProviderError]] = {
    **{name: lambda answer, _, read=read: read(answer) for name, read in READERS.items()},
    # Its providers take the words out of the answer themselves.
    "jobs": lambda answer, words: refusal(answer, words, client(Zhipu())),
}


@pytest.mark.parametrize("reader", SPOKEN)
@pytest.mark.parametrize(("status", "words"), NO_MODEL)
def test_an_unknown_model_is_one_error_whatever_status_and_words_a_gateway_has(
    reader: str, status: int, words: str
) -> None:
    body = json.dumps({"error": {"message": words, "code": status}}).encode()
    error = SPOKEN[reader](reply(status, body), words)
    assert (type(error), error.maybe_billed) == (ModelNotFound, False)


@pytest.mark.parametrize("code", ["model_not_found", "model_not_available", "INVALID_MODEL_ID"])
def test_an_unknown_model_is_known_by_its_code_too(code: str) -> None:
    body = json.dumps({"error": {"message": "no", "code": code}}).encode()
    assert type(openai_error(reply(400, body), client(OpenAI()))) is ModelNotFound


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (400, "The model does not support the parameter size", BadRequest),
        (400, "Invalid model parameter: steps", BadRequest),
        (400, "Unsupported model options were given", BadRequest),
        (401, "The model `none` does not exist", BadKey),
        (429, "model none not found", RateLimited),
        (504, "model none not found", ServerError),
        (400, "Your prompt about a model of a ship was too long", BadRequest),
    ],
)
def test_words_about_a_model_do_not_make_it_unknown(
    status: int, words: str, kind: type[ProviderError]
) -> None:
    assert type(failure(reply(status), client(Zhipu()), words)) is kind


def test_an_unknown_model_leads_to_the_list_of_models() -> None:
    step = failure(reply(404), client(OpenAI("http://127.0.0.1:9/v1", name="lite"))).next_step
    assert "refresh_models('lite')" in step
    # Volcengine has no list that the studio could ask for.
    assert "refresh_models" not in failure(reply(404), client(Volcengine())).next_step


@pytest.mark.parametrize(
    "words",
    [
        "litellm.AuthenticationError: AuthenticationError: OpenAIException - the api_key option must be set",
        "Missing credentials. Please pass one.",
        "The api_key client option must be set",
    ],
)
def test_a_server_that_fails_because_it_lacks_a_key_says_so(words: str) -> None:
    provider = OpenAI("http://127.0.0.1:9/v1", name="lite")
    body = json.dumps({"error": {"message": words, "type": None, "code": "500"}}).encode()
    without = openai_error(reply(500, body), Http(provider, None, lambda: None))  # type: ignore[arg-type]
    assert type(without) is MissingKey
    assert "call set_key('lite')" in without.next_step
    assert "service behind it" in without.next_step
    wrong = openai_error(reply(500, body), client(provider))
    assert type(wrong) is BadKey
    assert "service behind it" in wrong.next_step
    plain = openai_error(reply(500, b'{"error": {"message": "out of memory"}}'), client(provider))
    assert type(plain) is ServerError


def test_a_server_that_refuses_a_call_without_a_key_asks_for_one() -> None:
    provider = OpenAI("http://127.0.0.1:9/v1", name="lite")
    error = openai_error(reply(401), Http(provider, None, lambda: None))  # type: ignore[arg-type]
    assert type(error) is MissingKey
    assert error.next_step == "Enter the key on the page or call set_key('lite'). Then retry."


def test_the_next_step_of_a_users_own_server_speaks_of_that_server() -> None:
    own = failure(reply(500), client(OpenAI("http://127.0.0.1:9/v1", name="lite")))
    assert "log of the server" in own.next_step
    assert "status page" in failure(reply(500), client(Zhipu())).next_step
