"""A page lets a text model rewrite a prompt, and knows beforehand whether one can."""

from __future__ import annotations

import json

import pytest

from imgplay_widget.errors import RateLimited
from imgplay_widget.testing import FakeProvider, Gate

WAIT = 20
KEY = "sk-canary-9c1f0a7be4d2"
IMPROVE = {"mode": "expand", "model": "fake:image"}


def writers(page):
    """Return which providers have a text model, and which provider writes for each."""
    found = page.result("hello")["snapshot"]["providers"]
    return {p["name"]: (p["writes"], p["writer"]) for p in found}


def test_a_prompt_comes_back_rewritten_and_nothing_else_changes(open_page):
    fake = FakeProvider(words=['"A red fox in deep snow"', "A red fox"])
    with open_page(fake) as page:
        page.result("hello")
        before = len(page.messages)
        assert page.result("improve", prompt="a red fox", **IMPROVE) == {
            "type": "improved",
            "prompt": "A red fox in deep snow",
        }
        page.result("improve", prompt="红狐狸", mode="translate", model="fake:image")
        assert len(page.messages) == before + 2
        assert page.studio.topics == []
    assert [text for _, _, text in fake.questions] == ["a red fox", "红狐狸"]
    assert fake.submits == []


def test_the_page_knows_who_writes_and_learns_of_a_new_key(page):
    known = writers(page)
    assert known["demo"] == (False, None)
    assert known["openai"] == (True, None)
    page.result("set_key", provider="openai", key=KEY, remember=False)
    page.wait_for(lambda events: any(e["type"] == "models_changed" for e in events))
    known = writers(page)
    assert known["demo"][1] == known["fake"][1] == known["gemini"][1] == known["openai"][1]
    assert known["demo"][1].startswith("openai:")
    page.result("set_key", provider="gemini", key=KEY, remember=False)
    known = writers(page)
    assert known["gemini"][1].startswith("gemini:")
    assert known["openai"][1].startswith("openai:")
    page.result("set_key", provider="openai", key="", remember=False)
    assert writers(page)["openai"][1].startswith("gemini:")
    assert KEY not in json.dumps([content for content, _ in page.messages])


def test_a_chosen_text_model_is_the_only_one(open_page):
    with open_page(FakeProvider(words=()), FakeProvider(words=(), name="other"), titles="other:big") as page:
        known = writers(page)
        assert known["fake"] == (False, "other:big")
        assert known["other"] == (True, "other:big")
    with open_page(FakeProvider(words=()), titles="nobody:big") as page:
        assert set(writers(page).values()) == {(False, None)}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"prompt": " "}, "invalid_request"),
        ({"mode": "shout"}, "invalid_request"),
        ({"model": "fake:nothing"}, "not_found"),
        ({}, "rate_limited"),
    ],
)
def test_a_refusal_is_named_and_the_call_is_not_repeated(open_page, fields, code):
    fake = FakeProvider(words=[RateLimited("Too many.", provider="fake", retry_after=3)])
    with open_page(fake) as page:
        error = page.error("improve", **{"prompt": "a fox", **IMPROVE, **fields})
        page.studio._core.start(page.studio._core.archive.settle).result(WAIT)
    assert error["code"] == code
    assert error["nextStep"]
    assert len(fake.questions) == (code == "rate_limited")


def test_without_any_key_the_refusal_says_which_would_do(page):
    error = page.error("improve", prompt="a fox", **IMPROVE)
    assert error["code"] == "missing_key"
    assert "OPENAI_API_KEY" in error["nextStep"]


def test_others_are_answered_while_a_text_model_thinks(open_page):
    gate = Gate("A red fox")
    with open_page(FakeProvider(words=[gate])) as page:
        call = {"method": "improve", "prompt": "a fox", **IMPROVE}
        asked = page.studio._core.start(page.kernel.receive, {"kind": "request", "id": "slow", "call": call})
        assert gate.reached.wait(WAIT)
        assert page.result("queue") == {"type": "queue", "batches": []}
        gate.open()
        asked.result(WAIT)
        (reply,) = [c for c, _ in page.messages if c["kind"] == "reply" and c["to"] == "slow"]
        assert reply["result"]["prompt"] == "A red fox"


def test_what_is_asked_while_the_studio_closes_is_answered_by_name(open_page):
    gate = Gate("A red fox")
    with open_page(FakeProvider(words=[gate])) as page:
        call = {"method": "improve", "prompt": "a fox", **IMPROVE}
        asked = page.studio._core.start(page.kernel.receive, {"kind": "request", "id": "late", "call": call})
        assert gate.reached.wait(WAIT)
        asked.cancel()
        page.studio._core.start(page.studio._core.archive.settle).result(WAIT)
        with page._arrived:
            assert page._arrived.wait_for(
                lambda: [c for c, _ in page.messages if c["kind"] == "reply" and c["to"] == "late"], WAIT
            )
        (reply,) = [c for c, _ in page.messages if c["kind"] == "reply" and c["to"] == "late"]
        assert (reply["error"]["code"], bool(reply["error"]["nextStep"])) == ("studio_closed", True)
