"""A request that the page repeats, because its answer did not come, is done once."""

from __future__ import annotations

from test_page import REQUEST, WISH, done

from imgplay_widget._page import once
from imgplay_widget.testing import FakeProvider, png


def request(id, method, **fields):
    return {"kind": "request", "id": id, "call": {"method": method, **fields}}


def replies(page, to):
    return [content for content, _ in page.messages if content["kind"] == "reply" and content["to"] == to]


def test_a_click_that_comes_twice_is_paid_once_and_answered_twice_alike(page, fake):
    page.result("hello")
    for _ in range(3):
        page.send(request("again", "generate", **REQUEST))
    first, *others = replies(page, "again")
    assert others == [first, first]
    page.wait_for(done(2))
    assert len(page.studio.batches()) == 1
    assert len(fake.submits) == 2


def test_a_click_that_comes_again_while_it_is_being_stored_is_answered_once(page, fake):
    archive, asked = page.studio._core.archive, []
    in_store = archive.in_store

    async def late(function, *args, **keywords):
        if not asked:
            # The page repeats the request before the store has taken it.
            asked.append(True)
            await page.kernel.receive(request("again", "generate", **REQUEST))
        return await in_store(function, *args, **keywords)

    archive.in_store = late
    page.send(request("again", "generate", **REQUEST))
    archive.in_store = in_store
    assert asked
    (reply,) = replies(page, "again")
    assert reply["error"] is None
    page.wait_for(done(2))
    assert len(page.studio.batches()) == 1


def test_a_prompt_that_is_improved_twice_is_paid_once(open_page):
    fake = FakeProvider(words=["a fox, painted"])
    with open_page(fake) as page:
        for _ in range(2):
            page.send(request("again", "improve", prompt="a fox", mode="expand", model="fake:image"))
        first, second = replies(page, "again")
    assert first["result"]["prompt"] == "a fox, painted"
    assert first == second
    assert len(fake.questions) == 1


def test_a_change_that_was_taken_back_since_is_not_made_again(page):
    batch = page.result("generate", **REQUEST)["batches"][0]
    page.wait_for(done(2))
    deletion = request("again", "delete", what="batch", ids=[batch["id"]])
    page.send(deletion)
    page.result("restore", what="batch", ids=[batch["id"]])
    page.send(deletion)
    assert len(page.studio.batches()) == 1


def test_a_refusal_is_answered_alike_too(page, fake):
    wish = {**WISH, "model": "fake:nothing"}
    for _ in range(2):
        page.send(request("again", "generate", **{**REQUEST, "wishes": [wish]}))
    first, second = replies(page, "again")
    assert first == second
    assert first["error"]["code"] == "not_found"


def test_the_last_piece_of_a_file_can_come_twice(page):
    data = png()
    half = len(data) // 2
    file = {"uploadId": "f", "total": len(data), "purpose": "reference"}
    page.call("upload", [memoryview(data)[:half]], **file, offset=0)
    for _ in range(2):
        page.send(request("again", "upload", **file, offset=half), [memoryview(data)[half:]])
    first, second = replies(page, "again")
    assert first == second
    assert first["result"]["reference"]["digest"]


def test_what_only_reads_is_read_anew(page):
    page.send(request("again", "prompts"))
    page.result("generate", **REQUEST)
    page.send(request("again", "prompts"))
    assert [reply["result"]["prompts"] for reply in replies(page, "again")] == [[], ["a red fox"]]


def test_a_request_is_never_done_twice_even_where_its_answer_was_dropped(page):
    for number in range(once.ANSWERS + 1):
        page.send(request(f"r{number}", "rename_topic", topicId="nothing", title="foxes"))
    page.send(request("r0", "rename_topic", topicId="nothing", title="foxes"))
    first, second = replies(page, "r0")
    assert first["error"]["code"] == "not_found"
    assert "not kept" in second["error"]["message"]
