"""A text model rewrites prompts, once for each time that the user asks."""

from __future__ import annotations

import threading

import pytest

from imgplay_widget._engine.clients import TEXT_TIMEOUT
from imgplay_widget._rules.prompts import LENGTH, LONGEST, instruction, rewritten
from imgplay_widget.errors import (
    BadKey,
    BadResponse,
    DeadlineExceeded,
    InvalidRequest,
    MissingKey,
    NotFound,
    RateLimited,
    ServerError,
    StudioClosed,
)
from imgplay_widget.providers.gemini import Gemini
from imgplay_widget.providers.openai import OpenAI
from imgplay_widget.testing import FakeProvider, Gate, InstantClock, open_studio
from tests.servers import openai_server as script
from tests.servers.openai_server import OpenAIServer, TextServer

WAIT = 20
KEY = "sk-canary-9c1f0a7be4d2"
FOX = "a red fox"
BETTER = "A red fox asleep in fresh snow, soft morning light, seen from above."


# ------------------------------------------------------------------ what is asked, and what is made of it


@pytest.mark.parametrize(
    "answer",
    [
        BETTER,
        f'"{BETTER}"',
        f"“{BETTER}”",
        f"**{BETTER}**",
        f"Improved prompt: {BETTER}",
        f"**Prompt:** {BETTER}",
        f"Here is the improved prompt:\n\n{BETTER}",
        f'Sure! Here is a better one:\n"{BETTER}"',
        f"优化后的提示词：{BETTER}",
        f"```text\n{BETTER}\n```",
        f"<think>\nThe user wants: a fox\n</think>\n\n{BETTER}",
        BETTER.replace("snow, ", "snow,\n\n"),
    ],
)
def test_what_stands_around_the_new_prompt_is_taken_away(answer):
    assert rewritten("expand", FOX, answer, None) == BETTER


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ('"Open"', '"Open"'),
        ("a sign", '"Open" on a door, below it "Closed"'),
        ("Prompt: a fox", "Prompt: a red fox"),
        ("**a fox**", "**a red fox**"),
        ("Sorry, a cat's card", "Sorry, a cat's card on paper"),
        ("poster", "Poster of a fox. Text: 'Fox'"),
    ],
)
def test_what_is_the_user_s_own_stays(prompt, answer):
    assert rewritten("expand", prompt, answer, None) == answer


@pytest.mark.parametrize(
    "answer",
    [
        "",
        " \n",
        '""',
        "I'm sorry, but I can't help with that.",
        "抱歉，我无法提供帮助。",
        "x" * (LONGEST + 1),
    ],
)
@pytest.mark.parametrize("mode", ["expand", "translate"])
def test_what_is_no_prompt_is_none(answer, mode):
    assert rewritten(mode, FOX, answer, None) is None


@pytest.mark.parametrize(
    ("answer", "limit", "kept"),
    [
        ("A red fox. Snow at dawn. Mist.", 30, "A red fox. Snow at dawn. Mist."),
        ("A red fox. Snow at dawn. Mist.", 29, "A red fox. Snow at dawn."),
        ("红色的狐狸。清晨的雪地。薄雾。", 13, "红色的狐狸。清晨的雪地。"),
        ("A fox. A red fox asleep in fresh snow, soft light", 40, "A fox. A red fox asleep in fresh snow"),
        ("A lens of f1.8", 13, "A lens of"),
        ("狐狸" * 10, 7, "狐狸狐狸狐狸狐"),
    ],
)
def test_an_expanded_prompt_keeps_the_model_s_limit(answer, limit, kept):
    found = rewritten("expand", FOX, answer, limit)
    assert found == kept
    assert len(found) <= limit


def test_a_translation_is_whole_with_its_lines():
    answer = "A red fox.\nFresh snow."
    assert rewritten("translate", "红狐狸。\n雪。", answer, 10) == answer


def test_the_text_model_is_told_how_long_a_prompt_may_be():
    assert f"at most {LENGTH} characters" in instruction("expand", FOX, None)
    assert "at most 300 characters" in instruction("expand", FOX, 300)
    assert "at most 3000 characters" in instruction("expand", "x" * 2000, None)
    assert "at most" not in instruction("translate", FOX, None)
    assert "at most 300 characters" in instruction("translate", FOX, 300)
    assert "in English" in instruction("translate", FOX, None)


# ------------------------------------------------------------------ the studio


@pytest.fixture
def server():
    with TextServer(BETTER) as server:
        yield server


@pytest.fixture
def studio(server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    with open_studio(OpenAI(), FakeProvider(), keys={"openai": KEY}) as studio:
        yield studio


def test_a_prompt_is_rewritten_by_one_call_and_nothing_is_stored(studio, server):
    assert studio.improve(f"  {FOX} ", model="fake:image") == BETTER
    (chat,) = server.chats
    system, user = chat["messages"]
    assert system["content"] == instruction("expand", FOX, None)
    assert user["content"] == FOX
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert studio.topics == []


def test_a_prompt_is_translated(studio, server):
    server.words = "A red fox"
    assert studio.improve("一只红狐狸", mode="translate", model="fake:image") == "A red fox"
    assert server.chats[0]["messages"][0]["content"] == instruction("translate", "一只红狐狸", None)


@pytest.mark.parametrize(
    ("prompt", "mode", "parameter"),
    [("", "expand", "prompt"), (" \n", "translate", "prompt"), (FOX, "shout", "mode")],
)
def test_what_cannot_be_rewritten_is_refused_before_anything_is_sent(studio, server, prompt, mode, parameter):
    with pytest.raises(InvalidRequest) as refused:
        studio.improve(prompt, mode)
    assert refused.value.parameter == parameter
    assert server.requests == []


def test_it_is_for_a_model_that_is_there(studio, server):
    with pytest.raises(NotFound):
        studio.improve(FOX, model="fake:nothing")
    assert server.requests == []


@pytest.mark.parametrize("words", ["", "I'm sorry, I can't help with that."])
def test_an_answer_without_a_prompt_says_so(studio, server, words):
    server.words = words
    with pytest.raises(BadResponse, match="OpenAI") as refused:
        studio.improve(FOX)
    assert "as it was" in refused.value.next_step
    assert len(server.chats) == 1


def test_what_the_provider_says_is_said_and_never_asked_again(studio, server):
    server.words = None
    with pytest.raises(ServerError):
        studio.improve(FOX)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("status", "kind"), [(401, BadKey), (429, RateLimited)])
def test_a_refusal_is_the_provider_s_own(monkeypatch, status, kind):
    with OpenAIServer([script.error(status, f"no, not with {KEY}")]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        with open_studio(OpenAI(), keys={"openai": KEY}) as studio, pytest.raises(kind) as refused:
            studio.improve(FOX)
        assert len(server.requests) == 1
    assert KEY not in str(refused.value)


def test_the_limit_of_the_image_model_counts(studio, server):
    limit = studio._core.registry.find("demo:instant")[1].max_prompt
    server.words = "Snow and fog. " * limit
    improved = studio.improve(FOX, model="demo:instant")
    assert limit // 2 < len(improved) <= limit
    assert improved.endswith(".")


def test_without_a_key_it_says_which_would_do(server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    with open_studio(OpenAI(), FakeProvider()) as studio, pytest.raises(MissingKey) as refused:
        studio.improve(FOX)
    for part in ("OpenAI", "OPENAI_API_KEY", "Gemini", "OpenRouter", "set_key("):
        assert part in refused.value.next_step
    assert server.requests == []


def test_a_key_that_comes_later_counts(server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    with open_studio(OpenAI()) as studio:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        assert studio.improve(FOX) == BETTER


@pytest.mark.parametrize("by_page", [False, True])
def test_keys_are_looked_for_in_slow_places_where_each_can_be_asked(server, monkeypatch, by_page):
    def held(name):
        # Some sources of keys answer only on the main thread, such as Colab. A page is answered on another
        # thread.
        here = threading.current_thread() is threading.main_thread()
        return KEY if name == "openai" and here != by_page else ""

    monkeypatch.setattr("imgplay_widget.providers._shared.key_sources.from_keyring", held)
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    with open_studio(OpenAI(), FakeProvider()) as studio:
        spec = studio._core.registry.find("fake:image")[1]
        if by_page:
            assert studio._core.start(studio._core.writer.improve, FOX, "expand", spec).result(WAIT) == BETTER
        else:
            assert studio.improve(FOX, model="fake:image") == BETTER


def test_the_chosen_text_model_writes_titles_and_prompts(server):
    local = OpenAI(server.base_url, name="local", key_variables=())
    other = FakeProvider(words=[])
    with open_studio(local, other, titles="local:small-words") as studio:
        assert studio.improve(FOX, model="fake:image") == BETTER
    assert server.chats[0]["model"] == "small-words"
    assert other.questions == []


def test_a_chosen_text_model_that_is_not_there_is_not_replaced():
    other = FakeProvider(words=[])
    with open_studio(other, titles="nobody:words") as studio, pytest.raises(NotFound, match="nobody:words"):
        studio.improve(FOX)
    with open_studio(other, titles="openai:words") as studio, pytest.raises(MissingKey) as refused:
        studio.improve(FOX)
    assert "OPENAI_API_KEY." in refused.value.next_step
    assert "GEMINI" not in refused.value.next_step
    assert other.questions == []


def test_the_image_model_s_own_provider_writes_first():
    with OpenAIServer() as other:
        providers = (FakeProvider(words=[BETTER]), Gemini(other.origin))
        with open_studio(*providers, keys={"gemini": KEY}) as studio:
            assert studio.improve(FOX, model="fake:image") == BETTER
        assert other.requests == []


def test_a_text_model_that_says_nothing_is_not_waited_for():
    clock, gate = InstantClock(), Gate(BETTER)
    with open_studio(FakeProvider(words=[gate]), clock=clock) as studio:
        done = studio._core.start(
            studio._core.writer.improve, FOX, "expand", studio._core.registry.find("fake:image")[1]
        )
        assert gate.reached.wait(WAIT)
        clock.advance(TEXT_TIMEOUT)
        with pytest.raises(DeadlineExceeded):
            done.result(WAIT)


def test_what_a_plug_in_trips_over_is_an_error_without_its_key():
    class Odd(FakeProvider):
        async def write(self, model, instruction, text, http):
            raise KeyError(f"choices of {KEY}")

    with open_studio(Odd(words=[]), keys={"fake": KEY}) as studio, pytest.raises(BadResponse) as refused:
        studio.improve(FOX)
    assert "KeyError" in str(refused.value)
    assert KEY not in str(refused.value)


def test_it_cannot_wait_for_itself(studio):
    said = []

    async def on_the_loop():
        try:
            studio.improve(FOX)
        except StudioClosed as error:
            said.append(error)

    studio._core.start(on_the_loop).result(WAIT)
    assert said
