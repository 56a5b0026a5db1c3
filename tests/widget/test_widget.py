"""The widget: a comm on one side, a studio on the other."""

from __future__ import annotations

import gc
import hashlib
import threading
import weakref

import comm as comm_package
import pytest
from ipywidgets.widgets import widget as widget_module

from imgplay_widget import ImagePlayground, Studio
from imgplay_widget._store import Store
from imgplay_widget._widget import sharing
from imgplay_widget.errors import InvalidRequest, NotFound, NoThreads, StoreLocked, StudioClosed
from imgplay_widget.testing import FakeProvider, open_studio, png

WAIT = 20


class RecordingComm(comm_package.base_comm.BaseComm):
    """A comm whose wire is a list."""

    def __init__(self, *args, **kwargs):
        self.sent = []
        self.arrived = threading.Condition()
        super().__init__(*args, **kwargs)

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        with self.arrived:
            self.sent.append((msg_type, data or {}, buffers or []))
            self.arrived.notify_all()

    def custom(self, kind):
        return [
            (d["content"], b)
            for t, d, b in self.sent
            if t == "comm_msg" and d.get("method") == "custom" and d["content"]["kind"] == kind
        ]

    def states(self, trait):
        """Return the values of a trait, in the order in which the page got them."""
        sent = [d["state"] for _, d, _ in self.sent if trait in d.get("state", {})]
        return [state[trait] for state in sent]

    def wait_for(self, test):
        with self.arrived:
            assert self.arrived.wait_for(test, WAIT)


@pytest.fixture
def playground(tmp_path, monkeypatch):
    monkeypatch.setattr(comm_package, "create_comm", RecordingComm)
    made = []

    def make(**options):
        widget = ImagePlayground(**{"store": tmp_path / "s.sqlite", "providers": PROVIDERS, **options})
        made.append(widget)
        return widget

    yield make
    for widget in made:
        widget.close()


PROVIDERS = (FakeProvider(),)
HELLO = {"method": "hello", "page": "p"}


def page_sends(widget, content, buffers=()):
    """Handle a custom message as ipywidgets does, on any thread."""
    widget._handle_custom_msg(content, list(buffers))


def page_shows(widget):
    """Let a browser open the page and acknowledge the snapshot."""
    page_sends(widget, {"kind": "request", "id": "hello", "call": HELLO})
    widget.comm.wait_for(lambda: any(c["to"] == "hello" for c, _ in widget.comm.custom("reply")))
    page_sends(widget, {"kind": "ack", "page": "p", "seq": 0})
    settle(widget)


def settle(widget):
    """Wait until the loop did what it was told so far."""
    widget._core.start(widget._core.archive.settle).result(WAIT)


def wait_for_state(widget, word):
    """Wait until the page got a state that holds a word."""
    widget.comm.wait_for(lambda: any(word in text for text in widget.comm.states("_snapshot")[-1:]))


def kernel_receives(widget, content, buffers):
    """Handle a message of the comm as the kernel does: buffers are views of the socket's bytes."""
    data = {"method": "custom", "content": content}
    widget.comm.handle_msg({"content": {"data": data}, "buffers": [memoryview(b) for b in buffers]})


def test_a_request_over_the_comm_is_answered_once(playground):
    widget = playground()
    page_sends(widget, {"kind": "request", "id": "r1", "call": HELLO})
    widget.comm.wait_for(lambda: widget.comm.custom("reply"))
    page_sends(widget, {"kind": "request", "id": "r2", "call": HELLO})
    widget.comm.wait_for(lambda: len(widget.comm.custom("reply")) == 2)
    assert [content["to"] for content, _ in widget.comm.custom("reply")] == ["r1", "r2"]


def test_an_upload_comes_with_the_buffers_of_the_comm(playground):
    widget, data = playground(), png()
    call = {"method": "upload", "uploadId": "a", "offset": 0, "total": len(data)}
    kernel_receives(widget, {"kind": "request", "id": "r1", "call": call}, [data])
    widget.comm.wait_for(lambda: widget.comm.custom("reply"))
    ((reply, _),) = widget.comm.custom("reply")
    assert reply["error"] is None
    digest = reply["result"]["reference"]["digest"]
    assert digest == hashlib.sha256(data).hexdigest()
    assert widget.studio._core.start(widget.studio._core.references.original, digest).result(WAIT)[1] == data


def test_closing_the_widget_forgets_what_was_on_its_way(playground, tmp_path):
    with Studio(tmp_path / "own.sqlite", providers=PROVIDERS) as studio:
        before = list(studio._core.engine.each_beat)
        widget = playground(store=None, studio=studio)
        call = {"method": "upload", "uploadId": "a", "offset": 0, "total": 100}
        kernel_receives(widget, {"kind": "request", "id": "r1", "call": call}, [bytes(10)])
        widget.comm.wait_for(lambda: widget.comm.custom("reply"))
        assert studio._core.engine.each_beat != before
        widget.close()
        # The loop works in order, so the studio is closed when this request is answered.
        studio._core.start(studio._core.archive.settle).result(WAIT)
        assert studio._core.engine.each_beat == before


def test_a_budget_belongs_to_the_studio_that_playgrounds_share(playground):
    first = playground(budget=5)
    second = playground()
    assert second.studio is first.studio
    assert second.budget == 5
    second.budget = None
    assert first.budget is None
    assert first.spent().images == 0
    with pytest.raises(InvalidRequest, match="budget="):
        playground(budget=-1)


def test_code_drives_what_the_page_shows(playground):
    widget = playground(model="fake:image")
    page_shows(widget)
    batch = widget.generate("a fox", n=2).result(WAIT)
    assert batch.model == "fake:image"
    widget.comm.wait_for(
        lambda: any(
            event["type"] == "generation_changed" and event["generation"]["status"] == "success"
            for content, _ in widget.comm.custom("events")
            for event in content["events"]
        )
    )
    assert [b.id for b in widget.batches()] == [batch.id]
    assert [topic.title for topic in widget.topics] == ["a fox"]
    widget.delete(batch)
    assert widget.batches() == []


def test_code_has_a_prompt_rewritten(playground):
    fake = FakeProvider(words=["A red fox in deep snow", "A fox"])
    widget = playground(providers=(fake,), model="fake:image", titles="off")
    assert widget.improve("a fox") == "A red fox in deep snow"
    assert widget.improve("红狐狸", "translate", model="fake:queue") == "A fox"
    with pytest.raises(InvalidRequest):
        widget.improve("")


def test_the_state_holds_no_image_and_no_key(playground, monkeypatch):
    canary = "sk-canary-0123456789abcdef"
    widget = playground(keys={"openai": canary})
    widget.generate("a fox", model="fake:image", n=4).result(WAIT)
    state = {k: v for k, v in widget.get_state().items() if k != "_esm"}
    assert canary not in repr(state)
    assert canary not in repr(widget)
    assert not any(isinstance(value, bytes | memoryview) for value in state.values())


def test_the_pictures_of_the_state_change_with_an_image_alone(playground):
    widget = playground()
    page_shows(widget)
    widget.generate("a fox", model="fake:image", n=2).result(WAIT)
    widget.comm.wait_for(lambda: any(text.count(":") == 2 for text in widget.comm.states("_pictures")))
    before = len(widget.comm.states("_pictures"))
    widget.rename_topic(widget.topics[0], "Foxes")
    wait_for_state(widget, "Foxes")
    assert len(widget.comm.states("_pictures")) == before


def test_the_state_of_playgrounds_on_one_studio_is_made_once(playground, monkeypatch):
    with open_studio(*PROVIDERS) as studio:
        topic = studio.new_topic("Foxes")
        first, second, third = (playground(store=None, studio=studio) for _ in range(3))
        read = []
        feed = studio._core.archive.store.feed

        def counted(*args, **keywords):
            read.append(args)
            return feed(*args, **keywords)

        monkeypatch.setattr(studio._core.archive.store, "feed", counted)
        for widget in (first, second, third):
            page_shows(widget)
        read.clear()
        left = third.comm
        third.close()
        studio.rename_topic(topic, "Bears")
        wait_for_state(first, "Bears")
        wait_for_state(second, "Bears")
        assert first.comm.states("_snapshot")[-1] == second.comm.states("_snapshot")[-1]
        assert len(read) == 1
        assert not any("Bears" in text for text in left.states("_snapshot"))


def test_a_playground_whose_page_cannot_be_reached_keeps_the_state_from_no_other(
    playground, monkeypatch, caplog
):
    first, second = playground(), playground()
    page_shows(first)
    page_shows(second)

    def broken(*_, **__):
        raise RuntimeError("the socket is gone")

    monkeypatch.setattr(first.comm, "publish_msg", broken)
    second.new_topic("Foxes")
    wait_for_state(second, "Foxes")
    monkeypatch.undo()
    assert "could not be sent" in caplog.text


def test_what_the_page_asks_while_the_comm_opens_is_answered(playground, monkeypatch):
    opened = ImagePlayground.open

    def open_and_ask(self):
        opened(self)
        page_sends(self, {"kind": "request", "id": "r1", "call": HELLO})

    monkeypatch.setattr(ImagePlayground, "open", open_and_ask)
    widget = playground()
    widget.comm.wait_for(lambda: widget.comm.custom("reply"))


def test_running_the_cell_again_uses_the_same_studio(playground, tmp_path):
    first, second = playground(), playground()
    assert first.studio is second.studio
    batch = first.generate("a fox", model="fake:image").result(WAIT)
    assert [b.id for b in second.batches()] == [batch.id]
    first.close()
    assert second.generate("a fox", model="fake:image").result(WAIT)
    assert playground(store=tmp_path / "other.sqlite").studio is not second.studio


def test_a_studio_of_the_users_own_is_shown_and_left_open(playground, tmp_path):
    with Studio(tmp_path / "own.sqlite", providers=PROVIDERS) as studio:
        widget = playground(store=None, studio=studio)
        widget.generate("a fox", model="fake:image").result(WAIT)
        widget.close()
        assert len(studio.batches()) == 1
    with pytest.raises(InvalidRequest):
        playground(studio=studio)


def test_a_second_view_of_a_studio_closes_without_the_first(playground):
    first = playground()
    second = playground(store=None, studio=first.studio)
    with pytest.raises(NotFound):
        playground(store=None, studio=first.studio, model="nope:x")
    second.close()
    batch = first.generate("a fox", model="fake:image").result(WAIT)
    assert [b.id for b in first.batches()] == [batch.id]
    third = playground(store=None, studio=first.studio)
    first.close()
    assert [b.id for b in third.batches()] == [batch.id]
    third.close()
    with pytest.raises(StudioClosed):
        _ = third.topics


def test_a_playground_that_could_not_be_made_leaves_no_studio_behind(playground, monkeypatch):
    def locked(*_):
        raise StoreLocked("Another program holds it.")

    before = set(threading.enumerate())
    with monkeypatch.context() as patch:
        patch.setattr(Store, "save_setting", locked)
        with pytest.raises(StoreLocked):
            playground(model="fake:image")
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name == "imgplay-engine"]


def test_a_model_that_code_names_is_asked_alone(playground):
    studio = playground().studio
    chosen = {"model": "demo:instant", "also_models": ["fake:image"], "count": 2}
    studio._core.start(studio._core.panel.save_config, chosen).result(WAIT)
    playground(model="fake:sheet")
    assert studio._core.panel.config == {"model": "fake:sheet", "also_models": [], "count": 2}


def test_an_unknown_model_is_refused_at_the_start(playground):
    before = set(threading.enumerate())
    with pytest.raises(NotFound, match="fake:imge"):
        playground(model="fake:imge")
    # The refused studio must not go on, or its store would stay open and its tasks leased.
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name == "imgplay-engine"]


@pytest.mark.parametrize("platform", ["emscripten", "linux"])
@pytest.mark.parametrize("face", [ImagePlayground, Studio])
def test_a_python_without_threads_gets_one_error_and_no_file(tmp_path, monkeypatch, face, platform):
    def refused(_):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refused)
        patch.setattr("sys.platform", platform)
        with pytest.raises(NoThreads) as caught:
            face(tmp_path / "s.sqlite")
    assert list(tmp_path.iterdir()) == []
    assert ("JupyterLab" if platform == "emscripten" else "Close other") in caught.value.next_step
    with Studio(tmp_path / "s.sqlite") as studio:
        assert studio.batches() == []


def test_the_text_of_a_playground_is_stable(playground):
    assert repr(playground()) == "<ImagePlayground>"


def test_a_host_that_does_not_show_the_widget_shows_what_to_do(playground):
    widget = playground()
    data, _ = widget._repr_mimebundle_()
    assert set(data) == {"text/plain", "application/vnd.jupyter.widget-view+json"}
    assert "run the cell that makes it again" in data["text/plain"]
    assert "saved" in data["text/plain"]


def test_the_state_goes_only_to_pages_that_are_seen_and_is_made_up_for(playground):
    """A cell that is run again leaves its old playground behind, whose page left."""
    old, shown = playground(), playground()
    for widget in (old, shown):
        page_shows(widget)
    page_sends(old, {"kind": "leave", "page": "p"})
    settle(old)
    before = len(old.comm.sent)
    shown.new_topic("Foxes")
    wait_for_state(shown, "Foxes")
    assert len(old.comm.sent) == before
    # A page that is loaded asks the kernel for the whole state.
    assert "Foxes" in old.get_state("_snapshot")["_snapshot"]
    page_shows(old)
    wait_for_state(old, "Foxes")


def test_an_unseen_playground_costs_the_same_however_many_there_are(playground):
    """No message at all goes to the pages of earlier runs."""
    olds = [playground() for _ in range(5)]
    for widget in olds:
        page_shows(widget)
        page_sends(widget, {"kind": "leave", "page": "p"})
        settle(widget)
    shown = playground()
    page_shows(shown)
    before = [len(widget.comm.sent) for widget in olds]
    shown.generate("a fox", model="fake:stream", n=4).result(WAIT)
    wait_for_state(shown, "a fox")
    assert [len(widget.comm.sent) for widget in olds] == before


class Shell:
    """IPython's shell, which tells when a cell has ended."""

    def __init__(self):
        self.events = self
        self.ended = []

    def register(self, event, function):
        assert event == "post_run_cell"
        if function not in self.ended:
            self.ended.append(function)

    def end_cell(self):
        for function in self.ended:
            function(None)


@pytest.fixture
def shell(monkeypatch):
    shell = Shell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    return shell


def test_the_state_at_the_end_of_each_cell_is_sent_where_no_browser_is(playground, shell):
    widget, thread = playground(), threading.current_thread()
    senders = []
    publish = widget.comm.publish_msg

    def noted(*args, **keywords):
        senders.append(threading.current_thread())
        publish(*args, **keywords)

    widget.comm.publish_msg = noted
    widget.generate("a fox", model="fake:image", n=2).result(WAIT)
    settle(widget)
    assert senders == []
    shell.end_cell()
    snapshot = widget.comm.states("_snapshot")[-1]
    assert snapshot.count('"status":"success"') == 2
    assert widget.comm.states("_pictures")[-1].count(":") == 2
    # The messages of another thread do not belong to the cell, and are not stored.
    assert set(senders) == {thread}
    shell.end_cell()
    assert len(senders) == 1


def test_the_end_of_a_cell_sends_nothing_to_a_browser_and_waits_for_no_locked_store(
    playground, shell, monkeypatch
):
    widget = playground()
    page_shows(widget)
    widget.new_topic("Foxes")
    wait_for_state(widget, "Foxes")
    before = len(widget.comm.sent)
    shell.end_cell()
    assert len(widget.comm.sent) == before
    monkeypatch.setattr("imgplay_widget._widget.sharing.STATE_WITHIN", 0.05)
    other = playground()
    gate = threading.Event()
    other._core.archive._store_thread.submit(gate.wait, WAIT)
    shell.end_cell()
    gate.set()
    other.close()
    shell.end_cell()


@pytest.mark.parametrize("kept", [False, True], ids=["alone", "beside another one"])
def test_a_hundred_closed_playgrounds_are_freed(tmp_path, kept, shell):
    def opened(number=0):
        return ImagePlayground(tmp_path / f"{number}.sqlite", providers=PROVIDERS)

    def used_and_closed(number):
        """Return what must be gone: a playground, its own class, its comm and its page."""
        made = opened(0 if kept else number % 3)
        seen = [made, type(made), made.comm, made._page, *([] if kept else [made._core])]
        page_sends(made, {"kind": "request", "id": "r", "call": HELLO})
        if number % 10 == 0:
            made.generate("a fox", model="fake:image").result(WAIT)
        shell.end_cell()
        made.close()
        return [weakref.ref(one) for one in seen]

    other = opened() if kept else None
    registered = len(widget_module._instances)
    subscribed = len(other._core._subscriptions) if other else 0
    refs = [ref for number in range(100) for ref in used_and_closed(number)]
    if other:
        settle(other)
    gc.collect()
    assert [ref() for ref in refs if ref() is not None] == []
    assert len(widget_module._instances) == registered
    if other:
        assert len(other._core._subscriptions) == subscribed
        other.close()
    assert sharing._all == []


def test_a_message_after_closing_is_ignored(playground, tmp_path):
    with Studio(tmp_path / "own.sqlite") as studio:
        widget = playground(store=None, studio=studio)
    page_sends(widget, {"kind": "request", "id": "r1", "call": HELLO})
    assert widget.comm.custom("reply") == []


def test_theme_and_height_are_said_to_the_page_and_checked(playground):
    widget = playground(theme="light", height=640)
    assert (widget.get_state()["theme"], widget.get_state()["height"]) == ("light", 640)
    widget.theme, widget.height = "auto", None
    assert (widget.get_state()["theme"], widget.get_state()["height"]) == ("auto", None)
    assert playground().get_state()["theme"] == "auto"
    for wrong in ({"theme": "blue"}, {"height": 100}, {"height": 2001}, {"height": True}, {"height": 400.5}):
        with pytest.raises(InvalidRequest):
            playground(**wrong)
        ((name, value),) = wrong.items()
        with pytest.raises(InvalidRequest if type(value) in (str, int) else Exception, match=name):
            setattr(widget, name, value)
    assert (widget.theme, widget.height) == ("auto", None)


def test_a_height_that_the_page_drags_is_kept(playground):
    widget = playground()
    widget.set_state({"height": 700})
    assert widget.height == 700
