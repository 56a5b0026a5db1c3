"""The chain of an image as the large view reads it."""

from __future__ import annotations

WAIT = 20


def chain(page, generation):
    return page.result("read_chain", generationId=generation.id)


def names(versions):
    return [one["generationId"] for one in versions]


def test_a_page_reads_the_versions_of_an_image_with_what_changed(page):
    first = page.studio.generate("a fox, day", model="fake:image", seed=7).result(WAIT)[0]
    second = first.edit("a fox, night", topic="Nights").result(WAIT)[0]
    third, fourth = second.edit("paint it in oil, in a heavy frame", n=2, seed=9).result(WAIT)
    found = chain(page, second)
    assert (found["type"], found["generationId"], found["earlier"]) == ("chain", second.id, False)
    assert names(found["ancestors"]) == [first.id]
    assert names(found["siblings"]) == [second.id]
    assert names(found["children"]) == [third.id, fourth.id]
    assert (found["siblingsCount"], found["childrenCount"]) == (1, 2)
    (shown,) = found["siblings"]
    assert shown == {
        "generationId": second.id,
        "batchId": second.batch.id,
        "topicId": second.batch.topic_id,
        "position": 0,
        "status": "success",
        "prompt": "a fox, night",
        "action": "edit",
        "added": ["night"],
        "removed": ["day"],
        "rewritten": False,
        "changes": [],
    }
    child = found["children"][1]
    assert (child["rewritten"], child["added"]) == (True, ["paint it in oil, in a heavy frame"])
    assert child["changes"] == [{"name": "seed", "before": 7, "after": 10}]
    assert (found["ancestors"][0]["added"], found["ancestors"][0]["action"]) == ([], None)


def test_an_ancestor_that_was_deleted_keeps_an_empty_place(page):
    first = page.studio.generate("a fox", model="fake:image", topic="Foxes").result(WAIT)[0]
    second = first.edit("a fox at night", topic="Nights").result(WAIT)[0]
    page.studio.delete(first.batch.topic_id)
    (gone,) = chain(page, second)["ancestors"]
    assert (gone["status"], gone["batchId"], gone["prompt"]) == ("gone", None, "")
    assert page.error("read_chain", generationId=first.id)["code"] == "not_found"
