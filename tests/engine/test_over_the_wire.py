"""From a call to stored images, over real sockets. The server speaks the Images API, and misbehaves."""

from __future__ import annotations

import io
import json
import logging
import random
from dataclasses import replace

import pytest
from PIL import Image

from imgplay_widget import Status, errors
from imgplay_widget._rules.changes import Progressed
from imgplay_widget.providers.openai import OpenAI
from imgplay_widget.testing import InstantClock, open_studio
from tests.servers import openai_server as script
from tests.servers.openai_server import OpenAIServer

WAIT = 30
KEY = "sk-canary-9c1f0a7be4d2"
MODEL = "openai:gpt-image-2"


@pytest.fixture
def studio_for(tmp_path, monkeypatch):
    def opener(server, **options):
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        provider = OpenAI()
        options = {"keys": {"openai": KEY}, "store": tmp_path / "s.sqlite", **options}
        return open_studio(provider, **options)

    return opener


def test_one_image_is_streamed_with_previews_and_stored(studio_for):
    seen = []

    async def listen(changes):
        seen.extend(change for change in changes if isinstance(change, Progressed))

    with OpenAIServer([script.stream(2)]) as server, studio_for(server) as studio:
        end = studio._core.subscribe(listen, every=0.0)
        batch = studio.generate("a paper boat", model=MODEL).result(WAIT)
        studio._core.start(studio._core.archive.settle).result(WAIT)
        end()
        assert batch[0].bytes == script.png(shade=200)
        assert server.posts == 1
    assert any(change.preview for change in seen)


def test_four_images_are_one_call(studio_for):
    with OpenAIServer() as server, studio_for(server) as studio:
        batch = studio.generate("a paper boat", model=MODEL, n=4).result(WAIT)
        assert [g.status for g in batch] == [Status.SUCCESS] * 4
        assert [g.seed for g in batch] == [None] * 4
        asked = [json.loads(request.body)["n"] for request in server.requests]
    assert sum(asked) == 4


@pytest.mark.parametrize(
    ("answer", "expected", "posts"),
    [
        (script.error(401, "bad key"), errors.BadKey, 1),
        (
            script.error(400, "rejected", code="moderation_blocked", type="image_generation_user_error"),
            errors.Moderated,
            1,
        ),
        (script.error(400, "size is wrong", param="size"), errors.BadRequest, 1),
        (script.error(429, "no credit", code="insufficient_quota"), errors.BillingError, 1),
        (script.error(500, "oops"), errors.ServerError, 1),
        (script.error(502, "bad gateway"), errors.Uncertain, 1),
        (script.RESET_AFTER, errors.Uncertain, 1),
        (script.html(), errors.BadResponse, 1),
        (script.images(1, data=script.png()[:60]), errors.CorruptImage, 1),
        (script.images(0), errors.NoImage, 1),
        (script.Answer(200, {"Content-Type": "application/json"}, b'{"data": [', cut=5), errors.Uncertain, 1),
    ],
    ids=["401", "moderation", "400", "quota", "500", "502", "reset", "html", "truncated", "none", "cut"],
)
def test_each_fault_ends_in_a_named_error_and_one_post(studio_for, caplog, answer, expected, posts):
    with caplog.at_level(logging.DEBUG), OpenAIServer([answer]) as server, studio_for(server) as studio:
        batch = studio.generate("a paper boat", model=MODEL)
        with pytest.raises(expected) as caught:
            batch.result(WAIT)
        assert server.posts == posts
        assert caught.value.next_step
        assert batch[0].status is Status.ERROR
        assert KEY not in str(caught.value) + repr(batch[0].error) + repr(batch._live.entry)
        batch.retry().result(WAIT)
        assert server.posts == posts + 1
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    ("header", "waited"),
    [({"Retry-After": "7"}, 7.0), ({"retry-after-ms": "2500"}, 2.5), ({}, 0.4)],
    ids=["seconds", "milliseconds", "none"],
)
def test_a_rate_limit_is_waited_out_and_the_call_repeated(studio_for, header, waited):
    clock = InstantClock()
    busy = script.error(429, "slow down", headers=header)
    with OpenAIServer([busy]) as server, studio_for(server, clock=clock) as studio:
        studio.generate("a paper boat", model=MODEL).result(WAIT)
        assert server.posts == 2
    assert any(wait >= waited for wait in clock.waits)


@pytest.mark.parametrize(
    ("message", "header", "expected"),
    [
        ("Rate limit reached for requests per day (RPD): limit 50", {}, errors.QuotaUsedUp),
        ("You have used up your daily images", {"Retry-After": "5"}, errors.QuotaUsedUp),
        ("slow down", {"Retry-After": "40000"}, errors.QuotaUsedUp),
        ("Your team has reached its monthly spending limit", {}, errors.BillingError),
    ],
)
def test_a_quota_is_named_and_not_asked_again(studio_for, message, header, expected):
    said = script.error(429, message, headers=header)
    with OpenAIServer([said]) as server, studio_for(server) as studio:
        with pytest.raises(expected):
            studio.generate("a paper boat", model=MODEL).result(WAIT)
        assert server.posts == 1


def test_a_body_that_trickles_ends_at_the_deadline(studio_for):
    slow = script.Answer(200, {"Content-Type": "application/json"}, b"x" * 100_000, pause=0.05)
    clock = InstantClock()
    with OpenAIServer([slow]) as server, studio_for(server, clock=clock) as studio:
        batch = studio.generate("a paper boat", model=MODEL, deadline=60)
        assert server.wait_for(lambda requests: len(requests) == 1)
        clock.advance(60)
        with pytest.raises(errors.Uncertain, match="60 s"):
            batch.result(WAIT)
        assert server.posts == 1


def test_nobody_listening_is_told_after_three_tries(studio_for):
    with OpenAIServer() as server:
        pass
    with studio_for(server) as studio, pytest.raises(errors.ConnectFailed, match="Nothing was sent"):
        studio.generate("a paper boat", model=MODEL).result(WAIT)


def test_a_missing_key_is_told_before_anything_is_stored(studio_for):
    with OpenAIServer() as server, studio_for(server, keys={}) as studio:
        with pytest.raises(errors.MissingKey, match="OPENAI_API_KEY"):
            studio.generate("a paper boat", model=MODEL)
        assert studio.topics == []
        assert server.requests == []


def test_references_are_sent_as_an_edit(studio_for):
    picture = script.png(32, 32)
    with OpenAIServer() as server, studio_for(server) as studio:
        studio.generate("at night", model=MODEL, references=[picture]).result(WAIT)
        (request,) = server.requests
        assert request.path == "/v1/images/edits"
        assert request.form()["image[]"] == [picture]


def mask_of(edge, *, noise=b""):
    """Return a mask as a PNG: its first row is transparent, so that the image may change there."""
    mask = Image.frombytes("RGB", (edge, edge), noise) if noise else Image.new("RGB", (edge, edge))
    mask.putalpha(255)
    mask.paste((0, 0, 0, 0), (0, 0, edge, 1))
    file = io.BytesIO()
    mask.save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("n", [1, 2])
def test_a_mask_is_sent_with_its_references(studio_for, n):
    first, second, mask = script.png(32, 32), script.png(48, 16), mask_of(32)
    with OpenAIServer() as server, studio_for(server) as studio:
        studio.generate("at night", model=MODEL, n=n, references=[first, second], mask=mask).result(WAIT)
        (request,) = server.requests
        assert request.path == "/v1/images/edits"
        form = request.form()
        assert (form["image[]"], form["mask"]) == ([first, second], [mask])


def test_a_mask_above_the_provider_s_limit_is_never_sent(studio_for):
    edge = 1200
    mask = mask_of(edge, noise=random.Random(5).randbytes(3 * edge * edge))
    with OpenAIServer() as server, studio_for(server) as studio:
        with pytest.raises(errors.InvalidRequest, match=r"mask has \d\.\d MB; .* takes 4 MB"):
            studio.generate("at night", model=MODEL, references=[script.png(edge, edge)], mask=mask)
        assert studio.topics == []
        assert server.requests == []


def test_the_provider_s_own_figures_and_changes_are_recorded(studio_for):
    said = script.images(2, size="1536x1024", quality="low")
    with OpenAIServer([said]) as server, studio_for(server) as studio:
        batch = studio.generate("a boat", model=MODEL, n=2, width=1024, height=1024, quality="high")
        batch.result(WAIT)
        assert batch[0].applied["quality"] == "low"
        assert batch._live.entry.tasks[0].usage == {"total_tokens": 200}
        assert batch._live.entry.tasks[0].request_id == "req-images"


def test_what_a_provider_says_beside_its_images_is_clean_bounded_and_without_the_key(studio_for, tmp_path):
    usage = {"note": KEY, "half": "\ud83d", "total_tokens": 3}
    said = script.images(2, usage=usage, model=f"{KEY} \ud83d" + "m" * 5000)
    body = json.loads(said.body)
    body["data"][0]["revised_prompt"] = f"{KEY} \ud83d" + "x" * 50_000
    headers = {**said.headers, "x-request-id": KEY + "-" + "r" * 5000}
    with OpenAIServer([replace(said, body=json.dumps(body).encode(), headers=headers)]) as server:
        with studio_for(server) as studio:
            batch = studio.generate("a boat", model=MODEL, n=2).result(WAIT)
            revised = batch[0].applied["revised_prompt"]
            assert revised.startswith("… \ufffdxxx")
            assert len(revised) == 20_000
            task = batch._live.entry.tasks[0]
            assert task.usage == {"note": "…", "half": "\ufffd", "total_tokens": 3}
            assert len(task.request_id) <= 300
            assert batch[0].served_by.startswith("… \ufffdmmm")
            assert len(batch[0].served_by) == 300
        for path in tmp_path.rglob("*"):
            assert path.is_dir() or KEY.encode() not in path.read_bytes()


def test_a_compatible_server_without_a_key_works(tmp_path):
    with OpenAIServer() as server:
        local = OpenAI(server.base_url, name="local", key_variables=())
        with open_studio(local, store=tmp_path) as studio:
            batch = studio.generate("a boat", model="local:whatever-it-has", n=2).result(WAIT)
        assert len(batch) == 2
        assert all("authorization" not in request.headers for request in server.requests)


def test_no_key_is_in_the_store(studio_for, tmp_path):
    with OpenAIServer([script.error(401, f"Incorrect API key provided: {KEY}")]) as server:
        with studio_for(server) as studio, pytest.raises(errors.BadKey):
            studio.generate("a boat", model=MODEL).result(WAIT)
        for path in tmp_path.rglob("*"):
            assert path.is_dir() or KEY.encode() not in path.read_bytes()
