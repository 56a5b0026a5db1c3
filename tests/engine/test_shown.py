"""Displays of handles: what a cell shows of batches, images and topics, and how many bytes that takes."""

from __future__ import annotations

import base64
import io
import json
import signal
import sys
import threading
from types import SimpleNamespace

import pytest
from PIL import Image

from imgplay_widget import Batches, Generations, TopicHandles
from imgplay_widget._engine.covers import Covers
from imgplay_widget._rules.sheets import MAX_DISPLAY
from imgplay_widget._studio.waiting import GOES_ON
from imgplay_widget._types import Done, Inline
from imgplay_widget.errors import Moderated
from imgplay_widget.testing import FakeProvider, Gate, open_studio, picture
from tests.store.store_makers import make_png

WAIT = 30


def noisy(n):
    return Done(images=tuple(Inline(data=make_png((256, 192))) for _ in range(n)))


def bytes_of(bundle):
    return len(json.dumps(bundle, ensure_ascii=False).encode())


@pytest.mark.parametrize("n", [1, 4, 64])
def test_a_display_takes_at_most_100_kb(n):
    with open_studio(FakeProvider([noisy(1) for _ in range(n)]), max_count=n) as studio:
        batch = studio.generate("a fox " * 60, model="fake:image", n=n).result(WAIT)
        for shown in (batch, studio.batches(), batch[:], batch[0], studio.topics[0]):
            bundle = shown._repr_mimebundle_()
            assert set(bundle) == {"text/plain", "text/html", "image/jpeg"}
            assert bytes_of(bundle) <= MAX_DISPLAY
            assert "<img alt=" in bundle["text/html"]
            with Image.open(io.BytesIO(base64.b64decode(bundle["image/jpeg"]))) as image:
                image.load()
                assert image.format == "JPEG"


def test_a_topic_whose_cover_is_not_made_yet_shows_its_first_image(monkeypatch):
    monkeypatch.setattr(Covers, "make_aside", lambda *_: None)
    with open_studio(FakeProvider()) as studio:
        studio.generate("a fox", model="fake:image").result(WAIT)
        studio.new_topic("Empty")
        bundle = studio.topics._repr_mimebundle_()
        assert bundle["text/html"].count("<img alt=") == 1
        assert bundle["text/html"].count("No image yet") == 1


def test_no_display_names_a_file(tmp_path):
    with open_studio(FakeProvider(), store=tmp_path / "s.sqlite") as studio:
        batch = studio.generate("a fox", model="fake:image").result(WAIT)
        for shown in (batch, batch[0], batch[:], studio.batches(), studio.topics, studio.topics[0]):
            assert str(tmp_path) not in json.dumps(shown._repr_mimebundle_())


def test_a_batch_shows_its_images_and_its_errors():
    script = [picture(), Moderated("The prompt was refused.", next_step="Change <it>.")]
    with open_studio(FakeProvider(script, concurrency=1)) as studio:
        batch = studio.generate("a red fox", model="fake:image", n=2, seed=5).result(WAIT)
        html = batch._repr_mimebundle_()["text/html"]
        assert "a red fox" in html
        assert "fake:image · 1 image, 1 failed" in html
        assert "seed 5" in html
        assert "The prompt was refused. Change &lt;it&gt;." in html
        assert html.count("<img ") == 1


@pytest.mark.parametrize(("n", "ratio"), [(1, "4"), (2, "1.5")])
def test_a_batch_without_a_picture_is_low(n, ratio):
    refused = [Moderated("The prompt was refused.") for _ in range(n)]
    with open_studio(FakeProvider(refused, concurrency=1)) as studio:
        batch = studio.generate("a fox", model="fake:image", n=n, width=512, height=1024)
        with pytest.raises(Moderated):
            batch.result(WAIT)
        assert batch._repr_mimebundle_()["text/html"].count(f"aspect-ratio:{ratio};") == n


def test_lists_slice_to_lists_that_show_themselves():
    with open_studio(FakeProvider()) as studio:
        one = studio.generate("a fox", model="fake:image", n=3).result(WAIT)
        studio.generate("a wolf", model="fake:image").result(WAIT)
        batches = studio.batches()
        assert isinstance(batches, list)
        assert type(batches[:1]) is Batches
        assert type(one[1:]) is Generations
        assert type(studio.topics[:1]) is TopicHandles
        assert type(studio.search("wolf")) is Batches
        assert "2 batches, 4 images" in batches._repr_mimebundle_()["text/html"]
        assert one[1:]._repr_mimebundle_()["text/html"].count("<img ") == 2
        assert batches[:0]._repr_mimebundle_() == {"text/plain": "[]"}


def test_a_closed_studio_shows_text():
    with open_studio(FakeProvider()) as studio:
        batch = studio.generate("a fox", model="fake:image").result(WAIT)
    assert batch._repr_mimebundle_() == {"text/plain": repr(batch)}
    assert set(Batches([batch])._repr_mimebundle_()) == {"text/plain"}


def test_an_image_whose_file_is_gone_says_so():
    with open_studio(FakeProvider()) as studio:
        batch = studio.generate("a fox", model="fake:image").result(WAIT)
        for path in batch[0].path.parent.parent.parent.rglob("*"):
            if path.is_file() and path.suffix in (".png", ".webp"):
                path.unlink()
        assert "The file of the image is gone" in batch._repr_mimebundle_()["text/html"]


class Cell:
    """The parts of IPython in a kernel that a display uses."""

    def __init__(self):
        self.kernel = object()
        self.display_pub = self.events = self
        self.shown, self.changed = [], threading.Condition()
        self.at_end = lambda _: None

    def publish(self, data, metadata, *, transient, update):
        with self.changed:
            self.shown.append((transient["display_id"], update, data))
            self.changed.notify_all()

    def register(self, event, function):
        assert event == "post_run_cell"
        self.at_end = function

    def wait_for(self, condition):
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self.shown), WAIT)


@pytest.fixture
def cell(monkeypatch):
    cell = Cell()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: cell))
    return cell


def test_a_running_batch_updates_its_output_until_its_end(cell):
    gate = Gate(picture())
    with open_studio(FakeProvider([gate])) as studio:
        batch = studio.generate("a fox", model="fake:image")
        assert gate.reached.wait(WAIT)
        batch._ipython_display_()
        assert cell.shown[0][1] is False
        assert "Running" in cell.shown[0][2]["text/html"]
        gate.open()
        cell.wait_for(lambda shown: "image/jpeg" in shown[-1][2])
        assert len({name for name, _, _ in cell.shown}) == 1
        assert all(update for _, update, _ in cell.shown[1:])
        assert "<img " in cell.shown[-1][2]["text/html"]


def test_a_cell_that_waits_sends_the_end_of_a_display_above_it(cell):
    gate = Gate(picture())
    with open_studio(FakeProvider([gate])) as studio:
        batch = studio.generate("a fox", model="fake:image")
        assert gate.reached.wait(WAIT)
        batch._ipython_display_()
        cell.at_end(None)
        gate.open()
        batch.result(WAIT, progress=False)
        senders = []
        publish = cell.publish
        cell.publish = lambda *args, **kw: (senders.append(threading.current_thread()), publish(*args, **kw))
        cell.at_end(None)
        # A program that executes a notebook takes the messages of the cell's own thread only.
        assert senders[-1] is threading.current_thread()
        assert "<img " in cell.shown[-1][2]["text/html"]
        assert "image/jpeg" in cell.shown[-1][2]
        before = len(cell.shown)
        cell.at_end(None)
        assert len(cell.shown) == before


def test_the_end_of_a_cell_does_not_wait_for_a_closed_studio(cell):
    gate = Gate(picture())
    with open_studio(FakeProvider([gate])) as studio:
        batch = studio.generate("a fox", model="fake:image")
        assert gate.reached.wait(WAIT)
        batch._ipython_display_()
        gate.open()
    cell.at_end(None)
    before = len(cell.shown)
    cell.at_end(None)
    assert len(cell.shown) == before


def test_a_finished_batch_is_shown_as_any_other_value(cell):
    with open_studio(FakeProvider()) as studio:
        batch = studio.generate("a fox", model="fake:image").result(WAIT)
        with pytest.raises(NotImplementedError):
            batch._ipython_display_()


def test_waiting_shows_the_progress_and_ends_as_one_line(cell):
    gate = Gate(picture())
    with open_studio(FakeProvider([gate])) as studio:
        batch = studio.generate("a fox", model="fake:image")
        assert gate.reached.wait(WAIT)
        opener = threading.Thread(target=lambda: (cell.wait_for(lambda shown: len(shown) >= 2), gate.open()))
        opener.start()
        batch.result(WAIT)
        opener.join()
        assert cell.shown[0][2]["text/plain"].endswith("0/1 · a fox")
        assert cell.shown[-1][2]["text/plain"].startswith("1 image · ")
        assert "<img " not in cell.shown[-1][2]["text/html"]
        bars = [html for _, _, data in cell.shown if "width:0%" in (html := data["text/html"])]
        assert "Running" in bars[0]


@pytest.fixture
def marimo(monkeypatch):
    """The parts of marimo that a display uses. They know the cell on its thread and on threads of marimo."""
    cell = threading.current_thread()
    states, changed = [], threading.Condition()

    class Thread(threading.Thread):
        pass

    def replace(html):
        assert isinstance(threading.current_thread(), Thread) or threading.current_thread() is cell
        with changed:
            states.append(html)
            changed.notify_all()

    def wait_for(condition):
        with changed:
            assert changed.wait_for(lambda: condition(states), WAIT)

    package = SimpleNamespace(
        Html=str,
        Thread=Thread,
        output=SimpleNamespace(replace=replace),
        running_in_notebook=lambda: True,
    )
    monkeypatch.setitem(sys.modules, "marimo", package)
    return SimpleNamespace(states=states, wait_for=wait_for)


def test_waiting_in_marimo_shows_the_progress_and_ends_as_one_line(marimo):
    gate = Gate(picture())
    with open_studio(FakeProvider([gate])) as studio:
        batch = studio.generate("a fox", model="fake:image")
        assert gate.reached.wait(WAIT)
        opener = threading.Thread(target=lambda: (marimo.wait_for(lambda html: len(html) > 1), gate.open()))
        opener.start()
        batch.result(WAIT)
        opener.join()
        assert "0/1 · a fox" in marimo.states[0]
        assert any("Running" in html for html in marimo.states)
        assert "1 image · " in marimo.states[-1]
        before = len(marimo.states)
        studio.star(batch)
        assert len(marimo.states) == before


def test_a_time_out_says_that_the_work_goes_on(cell):
    gate = Gate(picture())
    with open_studio(FakeProvider([gate])) as studio:
        batch = studio.generate("a fox", model="fake:image")
        with pytest.raises(TimeoutError):
            batch.result(0.01)
        assert "The work goes on" in cell.shown[-1][2]["text/plain"]
        gate.open()
        before = len(cell.shown)
        assert batch.result(WAIT, progress=False) is batch
        assert len(cell.shown) == before


def test_nothing_is_written_where_nobody_looks(capsys):
    with open_studio(FakeProvider()) as studio:
        studio.generate("a fox", model="fake:image").result(WAIT)
        assert capsys.readouterr() == ("", "")
        gate_free = studio.generate("a wolf", model="fake:image")
        studio.progress = False
        gate_free.result(WAIT)
        assert capsys.readouterr() == ("", "")


def test_an_interrupt_says_that_the_work_goes_on(cell):
    gate = Gate(picture())
    with open_studio(FakeProvider([gate])) as studio:
        batch = studio.generate("a fox", model="fake:image")
        with pytest.raises(KeyboardInterrupt), batch._progress():
            raise KeyboardInterrupt
        assert "The work goes on" in cell.shown[-1][2]["text/plain"]
        gate.open()
        assert batch.result(WAIT).status == "success"


@pytest.fixture
def interrupts():
    """Let interrupts reach the test: a shell starts a program in the background without a handler of them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_without_a_display_says_so_in_its_traceback(interrupts):
    gate = Gate(picture())
    with open_studio(FakeProvider([gate])) as studio:
        batch = studio.generate("a fox", model="fake:image")
        assert gate.reached.wait(WAIT)
        main = threading.get_ident()
        timer = threading.Timer(0.1, signal.pthread_kill, (main, signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt) as caught:
            batch.result()
        timer.join()
        assert "The work goes on" in caught.value.__notes__[0]
        gate.open()
        assert batch.result(WAIT).status == "success"


def test_a_terminal_gets_a_bar_that_ends_as_one_line(capsys):
    gate = Gate(picture())
    with open_studio(FakeProvider([gate])) as studio:
        batch = studio.generate("a fox", model="fake:image")
        assert gate.reached.wait(WAIT)
        with pytest.raises(TimeoutError):
            batch.result(0.01, progress=True)
        written = capsys.readouterr().err
        assert "0/1 · a fox |" in written
        assert "  0%" in written
        assert written.count("\n") == 1
        assert written.rpartition("\r")[2] == f"{GOES_ON}\n"
        gate.open()
        batch.result(WAIT)
