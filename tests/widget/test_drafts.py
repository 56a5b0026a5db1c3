"""Drafts: kept for each topic, across pages and kernels, and sent to the other pages."""

from __future__ import annotations

import asyncio
import json
import shutil

import pytest

from imgplay_widget import ImagePlayground
from imgplay_widget._studio.drafts import MAX_REFERENCES
from imgplay_widget.errors import InvalidRequest
from imgplay_widget.testing import mask_png, open_studio, png

WAIT = 20


def save(page, topic_id=None, *, prompt="", references=(), mask=None):
    page.result("save_draft", topicId=topic_id, prompt=prompt, references=list(references), mask=mask)


def draft(page, topic_id):
    return page.result("select_topic", topicId=topic_id)["draft"]


def words(page, topic_id):
    return draft(page, topic_id)["prompt"]


def test_each_topic_has_a_draft_of_its_own(page):
    first, second = (page.studio.new_topic(title).id for title in ("Foxes", "Bears"))
    save(page, first, prompt="a red fox")
    save(page, second, prompt="a brown bear")
    save(page, None, prompt="something new")
    assert [words(page, topic) for topic in (first, second, None)] == [
        "a red fox",
        "a brown bear",
        "something new",
    ]
    save(page, first)
    assert words(page, first) == ""


def test_a_draft_with_its_images_outlives_the_kernel(tmp_path, open_page):
    with open_page(store=tmp_path / "s.sqlite") as page:
        topic = page.studio.new_topic("Foxes").id
        digests = [page.refer(png(64, 64)), page.refer(png(32, 16))]
        mask = page.refer(mask_png(64, 64, free=(0, 0, 32, 64)), purpose="mask")
        save(page, topic, prompt="a red fox", references=digests, mask=mask)
    with open_page(store=tmp_path / "s.sqlite") as page:
        shown = page.result("hello")["snapshot"]
        assert shown["activeTopicId"] == topic
        assert shown["draft"]["prompt"] == "a red fox"
        assert [(r["digest"], r["width"]) for r in shown["draft"]["references"]] == list(
            zip(digests, [64, 32], strict=True)
        )
        assert shown["draft"]["mask"]["digest"] == mask


def test_the_other_pages_are_told_and_the_writer_is_not(page):
    other = type(page)(page.studio)
    digest = page.refer(png())
    save(page, None, prompt="a red fox", references=[digest])
    other.wait_for(lambda events: [e for e in events if e["type"] == "draft_changed"])
    (event,) = other.events("draft_changed")
    assert (event["topicId"], event["draft"]["prompt"]) == (None, "a red fox")
    assert [one["digest"] for one in event["draft"]["references"]] == [digest]
    # Later changes were sent to the page; the draft was not.
    topic = page.studio.new_topic("Foxes").id
    page.wait_for(lambda events: any(e.get("topicId") == topic for e in events))
    assert page.events("draft_changed") == []
    other.end()


def test_an_image_that_is_gone_is_left_out(page):
    digest = page.refer(png())
    save(page, None, prompt="a fox", references=["0" * 64, "../../etc/passwd", digest], mask="1" * 64)
    kept = draft(page, None)
    assert [one["digest"] for one in kept["references"]] == [digest]
    assert kept["mask"] is None
    shutil.rmtree(page.studio._core.archive.store.assets.root / "originals")
    assert draft(page, None) == {"prompt": "a fox", "references": [], "mask": None}


def test_the_draft_of_a_topic_that_is_not_there_is_refused(page):
    error = page.error("save_draft", topicId="gone", prompt="a fox", references=[], mask=None)
    assert error["code"] == "not_found"


def test_the_draft_of_a_deleted_topic_comes_back_with_it(page):
    topic = page.studio.new_topic("Foxes")
    save(page, topic.id, prompt="a red fox")
    page.studio.delete(topic)
    page.studio.restore(topic)
    assert words(page, topic.id) == "a red fox"


def test_a_draft_has_bounds(page):
    error = page.error(
        "save_draft", topicId=None, prompt="", references=["0" * 64] * (MAX_REFERENCES + 1), mask=None
    )
    assert error["code"] == "invalid_request"
    error = page.error("save_draft", topicId=None, prompt="x" * 100_001, references=[], mask=None)
    assert "does not understand" in error["message"]


def test_what_was_written_last_wins(page):
    digest = page.refer(png())
    drafts = page.studio._core.drafts

    async def both():
        # The first request looks up an image, the second does not.
        page.studio._core.references._known.clear()
        await asyncio.gather(
            drafts.save(None, prompt="first", references=[digest], mask=None),
            drafts.save(None, prompt="second", references=[], mask=None),
        )

    page.studio._core.start(both).result(WAIT)
    assert draft(page, None) == {"prompt": "second", "references": [], "mask": None}


def test_a_draft_stays_out_of_a_saved_notebook(tmp_path):
    with open_studio(store=tmp_path / "s.sqlite") as studio:

        async def write():
            await studio._core.drafts.save(None, prompt="a secret fox", references=[], mask=None)

        studio._core.start(write).result(WAIT)
        widget = ImagePlayground(studio=studio)
        assert json.loads(widget._snapshot)["draft"]["prompt"] == ""
        widget.close()


def test_a_draft_is_its_users(tmp_path, open_page):
    with open_page(store=tmp_path / "s.sqlite") as page:
        save(page, None, prompt="a red fox")
    with open_page(store=tmp_path / "s.sqlite", user_id="you") as page:
        assert words(page, None) == ""


def test_code_puts_an_input_image_beside_the_prompt(page, tmp_path):
    page.result("hello")
    file = tmp_path / "fox.png"
    file.write_bytes(png(32, 16))
    added = page.studio.add_reference(file)
    told = page.wait_for(lambda events: [e for e in events if e["type"] == "draft_changed"])[-1]
    assert [r["digest"] for r in told["draft"]["references"]] == [added.digest]
    assert page.studio.references == (added,)
    again = page.studio.add_reference(added)
    assert again == added
    assert page.result("hello")["snapshot"]["draft"]["references"][0]["width"] == 32
    with pytest.raises(InvalidRequest, match="cannot be read"):
        page.studio.add_reference(tmp_path / "gone.png")
    page.studio.clear_references()
    assert page.studio.references == ()
