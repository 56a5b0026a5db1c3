"""Text that no file or message can hold: the store takes it, gives it back clean, and never fails over it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from store_makers import NOW, add_batch, make_batch, make_topic

from imgplay_widget._types import Wanted
from imgplay_widget.errors import ErrorInfo, ServerError

HALF = "half \ud83e of a fox\0\x1b[31m"
CLEAN = "half \ufffd of a fox\ufffd\ufffd[31m"


def add(store, **changes):
    topic = make_topic()
    batch, generations, tasks = make_batch(topic)
    batch = replace(batch, **changes)
    add_batch(store, batch, generations, tasks, new_topic=topic)
    return batch


def test_a_text_with_half_an_emoji_is_stored_clean(store):
    batch = add(store, prompt=HALF, config={"n": 1, HALF: [HALF]})
    found = store.entry(batch.id).batch
    assert (found.prompt, found.config) == (CLEAN, {"n": 1, CLEAN: [CLEAN]})


def test_half_an_emoji_that_an_earlier_version_stored_is_read_clean(store):
    batch = add(store)
    with sqlite3.connect(store.location) as connection:
        connection.execute(
            "UPDATE image_async_tasks SET error = ?, metadata = ?",
            (
                r'{"code": "x", "message": "half \ud83e", "next_step": "", "fault": "here"}',
                r'{"usage": {"revised_prompt": "\ud83e"}}',
            ),
        )
    connection.close()
    (task,) = store.entry(batch.id).tasks
    assert task.error.message == "half \ufffd"
    assert task.usage == {"revised_prompt": "\ufffd"}


def test_halves_of_one_emoji_become_the_emoji(store):
    assert store.entry(add(store, prompt="\ud83e\udd8a").id).batch.prompt == "🦊"


def test_a_search_for_what_nothing_holds_finds_nothing(store):
    add(store, prompt="a fox")
    for search in ("\0", "\ud83e", "a\0fox"):
        assert store.feed(None, wanted=Wanted(search=search)).entries == ()
        assert store.topic_page(search=search, limit=5).topics == ()
    assert store.find_topic("\ud83e") is None


def test_a_text_of_an_error_is_clean_and_short():
    error = ServerError(HALF + "x" * 100_000, request_id=HALF + "x" * 100_000)
    assert error.message.startswith(CLEAN)
    assert len(error.message) == 4000
    assert error.info.message == error.message
    assert len(error.request_id) == 300
    info = ErrorInfo(code="x", message=HALF, next_step=HALF, fault="here", request_id=HALF)
    assert (info.message, info.next_step, info.request_id) == (CLEAN, CLEAN, CLEAN)


def test_the_topic_that_was_used_last_comes_first_whatever_the_clock_says(store):
    early, late = make_topic(), make_topic()
    add_batch(store, *make_batch(late, at=NOW.replace(year=2040)), new_topic=late)
    add_batch(store, *make_batch(early, at=NOW), new_topic=early)
    assert [topic.id for topic in store.topics()] == [early.id, late.id]
