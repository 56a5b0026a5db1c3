"""Functions that the studio calls for each finished image: off the loop, in order, and never in its way."""

from __future__ import annotations

import threading

import pytest

from imgplay_widget import Studio
from imgplay_widget.errors import ImgplayError, InvalidRequest, StudioClosed
from imgplay_widget.testing import FakeProvider, open_studio

WAIT = 20
MODEL = "fake:image"


class Calls:
    """A function that notes its calls, and the threads on which it ran."""

    def __init__(self):
        self.images, self.threads = [], []
        self._arrived = threading.Condition()

    def __call__(self, generation):
        with self._arrived:
            self.images.append(generation)
            self.threads.append(threading.current_thread().name)
            self._arrived.notify_all()

    def wait_for(self, count):
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.images) >= count, WAIT)
        return self.images


@pytest.fixture
def studio():
    with open_studio(FakeProvider()) as studio:
        yield studio


def test_a_function_is_called_once_for_each_image_in_order_and_off_the_loop(studio):
    calls = Calls()
    assert studio.on_generation(calls) is calls
    assert studio.on_generation(calls) is calls
    batches = [studio.generate("a fox", model=MODEL, n=2).result(WAIT) for _ in range(3)]
    # Each batch was waited for. In a batch, the images come in any order.
    assert [one.batch.id for one in calls.wait_for(6)] == [one.batch.id for batch in batches for one in batch]
    assert set(calls.images) == {one for batch in batches for one in batch}
    assert {one.image.size for one in calls.images} == {(64, 64)}
    assert set(calls.threads) == {"imgplay-on-generation"}
    # A star changes a finished image, which is not finished again.
    studio.star(batches[0][0])
    studio.generate("an owl", model=MODEL).result(WAIT)
    assert len({one.id for one in calls.wait_for(7)}) == 7


def test_it_is_a_decorator(studio):
    @studio.on_generation
    def rate(generation):
        generation.scores["width"] = generation.width
        done.set()

    done = threading.Event()
    batch = studio.generate("a fox", model=MODEL).result(WAIT)
    assert done.wait(WAIT)
    assert dict(batch[0].scores) == {"width": 64}
    assert rate.__name__ == "rate"


def test_a_failed_image_is_not_told(studio):
    calls = Calls()
    studio.on_generation(calls)
    with pytest.raises(ImgplayError):
        studio.generate("a fox", model="demo:broken").result(WAIT)
    batch = studio.generate("an owl", model=MODEL).result(WAIT)
    assert calls.wait_for(1) == [batch[0]]


def test_a_removed_function_is_called_no_more_also_not_for_images_that_wait(studio):
    entered, go, calls = threading.Event(), threading.Event(), Calls()

    def blocks(generation):
        calls(generation)
        entered.set()
        go.wait(WAIT)

    studio.on_generation(blocks)
    studio.generate("a fox", model=MODEL, n=3).result(WAIT)
    assert entered.wait(WAIT)
    assert studio.on_generation(blocks, remove=True) is blocks
    assert studio.on_generation(blocks, remove=True) is blocks
    go.set()
    last = Calls()
    studio.on_generation(last)
    studio.generate("an owl", model=MODEL).result(WAIT)
    last.wait_for(1)
    assert len(calls.images) == 1


def test_a_function_that_a_cell_defines_again_replaces_the_earlier_one(studio):
    calls = []

    def cell(word):
        scope = {"__name__": "__main__", "calls": calls, "word": word}
        exec("def note(generation):\n    calls.append(word)", scope)
        return studio.on_generation(scope["note"])

    cell("first")
    cell("second")
    last = Calls()
    studio.on_generation(last)
    studio.generate("a fox", model=MODEL).result(WAIT)
    last.wait_for(1)
    assert calls == ["second"]


@pytest.mark.parametrize("error", [ValueError("no luck"), SystemExit(3)], ids=["error", "exit"])
def test_an_error_is_shown_on_the_page_and_logged_and_stops_nothing(open_page, caplog, error):
    with open_page() as page:
        calls = Calls()

        def rate(_):
            raise error

        page.studio.on_generation(rate)
        page.studio.on_generation(calls)
        batch = page.studio.generate("a fox", model=MODEL, n=2).result(WAIT)
        assert len(calls.wait_for(2)) == 2
        assert batch.status == "success"
        page.wait_for(lambda events: any(event["type"] == "notice_shown" for event in events))
        notice = page.events("notice_shown")[0]
        assert notice["level"] == "error"
        assert "rate, which on_generation calls, failed" in notice["message"]
        assert type(error).__name__ in notice["message"]
        assert "rate, which on_generation calls, failed" in caplog.text


def test_a_function_that_blocks_stops_neither_images_nor_the_end(studio):
    entered, go = threading.Event(), threading.Event()

    def blocks(_):
        entered.set()
        go.wait(WAIT)

    studio.on_generation(blocks)
    studio.generate("a fox", model=MODEL).result(WAIT)
    assert entered.wait(WAIT)
    assert studio.generate("an owl", model=MODEL).result(WAIT).status == "success"
    closing = threading.Thread(target=studio.close)
    closing.start()
    closing.join(WAIT / 2)
    assert not closing.is_alive()
    go.set()


def test_the_end_waits_for_a_function_which_still_finds_the_studio_open(tmp_path):
    begun, scored = threading.Event(), []

    def rate(generation):
        begun.set()
        generation.tags.add("seen")
        scored.append(generation.id)

    with Studio(tmp_path / "s.sqlite", providers=(FakeProvider(),)) as studio:
        studio.on_generation(rate)
        batch = studio.generate("a fox", model=MODEL, n=4).result(WAIT)
        ids = [one.id for one in batch]
    assert sorted(scored) == sorted(ids)


def test_a_function_may_generate_wait_and_close(tmp_path):
    studio = Studio(tmp_path / "s.sqlite", providers=(FakeProvider(),))
    done = threading.Event()

    def goes_on(generation):
        if generation.prompt == "first":
            studio.generate("second", model=MODEL, references=[]).result(WAIT)
        else:
            studio.close()
            done.set()

    studio.on_generation(goes_on)
    studio.generate("first", model=MODEL)
    assert done.wait(WAIT)


@pytest.mark.parametrize("function", [None, 3, "rate"])
def test_only_a_plain_function_is_taken(studio, function):
    async def rate(_):
        pass

    for one in (function, rate):
        with pytest.raises(InvalidRequest, match="not a function") as caught:
            studio.on_generation(one)
        assert caught.value.next_step


def test_a_closed_studio_takes_no_function(tmp_path):
    studio = Studio(tmp_path / "s.sqlite", providers=(FakeProvider(),))
    studio.close()
    with pytest.raises(StudioClosed):
        studio.on_generation(print)


def test_two_studios_call_their_own_functions(studio, tmp_path):
    mine, other = Calls(), Calls()
    studio.on_generation(mine)
    with Studio(tmp_path / "other.sqlite", providers=(FakeProvider(),)) as second:
        second.on_generation(other)
        batch = studio.generate("a fox", model=MODEL).result(WAIT)
        assert mine.wait_for(1) == [batch[0]]
        assert other.images == []
