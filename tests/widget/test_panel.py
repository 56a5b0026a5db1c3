"""The config panel, the prompt and the selection as traits, in both directions."""

from __future__ import annotations

import threading

import comm as comm_package
import ipywidgets
import pytest
import traitlets

from imgplay_widget import ImagePlayground, Studio
from imgplay_widget._store import Store
from imgplay_widget.errors import (
    InvalidRequest,
    NoPage,
    NotFound,
    StoreLocked,
    StudioClosed,
    UnknownParameter,
)
from imgplay_widget.testing import FakeProvider
from tests.widget.test_widget import RecordingComm, page_sends, page_shows, settle

WAIT = 20
PROVIDERS = (FakeProvider(),)


@pytest.fixture
def playground(tmp_path, monkeypatch):
    monkeypatch.setattr(comm_package, "create_comm", RecordingComm)
    made = []

    def make(**options):
        store = tmp_path / "s.sqlite"
        widget = ImagePlayground(**{"store": store, "providers": PROVIDERS, "model": "fake:image", **options})
        made.append(widget)
        return widget

    yield make
    for widget in made:
        widget.close()


class Page:
    """A browser that shows a playground."""

    def __init__(self, widget):
        self.widget = widget
        page_shows(widget)
        self._requests = 0

    def call(self, method, **fields):
        self._requests += 1
        to = f"p{self._requests}"
        page_sends(self.widget, {"kind": "request", "id": to, "call": {"method": method, **fields}})
        found = []

        def answered():
            found[:] = [c for c, _ in self.widget.comm.custom("reply") if c["to"] == to]
            return found

        self.widget.comm.wait_for(answered)
        assert found[0]["error"] is None, found[0]["error"]
        return found[0]["result"]

    def snapshot(self):
        return self.call("hello", page="p")["snapshot"]

    def configure(self, **changes):
        self.call("configure", config={**self.snapshot()["config"], **changes})

    def events(self, kind):
        sent = [content for content, _ in self.widget.comm.custom("events")]
        return [event for content in sent for event in content["events"] if event["type"] == kind]

    def wait_for(self, kind):
        self.widget.comm.wait_for(lambda: self.events(kind))
        return self.events(kind)[-1]


class Seen:
    """The changes that an observer saw, and the threads on which it ran."""

    def __init__(self, widget, *names):
        self.changes, self.threads = [], []
        self._arrived = threading.Condition()
        widget.observe(self._take, list(names))

    def _take(self, change):
        with self._arrived:
            self.changes.append((change["name"], change["old"], change["new"]))
            self.threads.append(threading.current_thread().name)
            self._arrived.notify_all()

    def wait_for(self, name, value):
        with self._arrived:
            assert self._arrived.wait_for(
                lambda: any(c[0] == name and c[2] == value for c in self.changes), WAIT
            )


def test_the_traits_are_what_the_panel_shows(playground):
    widget = playground()
    assert (widget.model, widget.n, widget.prompt, widget.selected) == ("fake:image", 1, "", [])
    assert widget.params == {"width": 64, "height": 64, "seed": None} | widget.params


def test_a_change_on_the_page_reaches_the_traits_and_their_observers_off_the_loop(playground):
    widget = playground()
    page, seen = Page(widget), Seen(widget, "model", "params", "n", "prompt")
    page.configure(count=3, params={"fake:image": {"width": 128}})
    seen.wait_for("n", 3)
    page.call("save_draft", topicId=None, prompt="a fox", references=[], mask=None)
    seen.wait_for("prompt", "a fox")
    page.configure(model="fake:sheet")
    seen.wait_for("model", "fake:sheet")
    assert (widget.n, widget.prompt, widget.model) == (3, "a fox", "fake:sheet")
    assert ("n", 1, 3) in seen.changes
    assert any(name == "params" and new["width"] == 128 for name, _, new in seen.changes)
    assert set(seen.threads) == {"imgplay-observers"}


def test_what_code_assigns_reaches_the_page_and_the_store(playground):
    widget = playground()
    page = Page(widget)
    widget.n = 2
    widget.params = {"width": 128, "height": 64}
    widget.prompt = "a red fox"
    page.wait_for("config_changed")
    assert page.wait_for("draft_changed")["draft"]["prompt"] == "a red fox"
    config = page.snapshot()["config"]
    assert (config["count"], config["params"]["fake:image"]["width"]) == (2, 128)
    assert page.snapshot()["draft"]["prompt"] == "a red fox"
    # The config does not store a value that equals the default.
    assert "height" not in config["params"]["fake:image"]
    widget.close()
    again = playground(model=None)
    assert (again.model, again.n, again.prompt, again.params["width"]) == ("fake:image", 2, "a red fox", 128)


def test_a_page_that_opens_later_shows_what_code_assigned_before(playground):
    widget = playground()
    batch = widget.generate("a fox").result(WAIT)
    widget.prompt, widget.selected = "early", [batch[0]]
    snapshot = Page(widget).snapshot()
    assert (snapshot["draft"]["prompt"], snapshot["selected"]) == ("early", [batch[0].id])


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("model", "fake:imge", NotFound),
        ("model", 3, InvalidRequest),
        ("params", {"widht": 64}, UnknownParameter),
        ("params", {"width": -1}, InvalidRequest),
        ("params", "width=64", InvalidRequest),
        ("n", 0, InvalidRequest),
        ("n", 2.5, InvalidRequest),
        ("n", True, InvalidRequest),
        ("prompt", None, InvalidRequest),
        ("prompt", "x" * 100_001, InvalidRequest),
    ],
)
def test_a_refused_value_changes_nothing_and_is_named(playground, name, value, error):
    widget = playground()
    seen, before = Seen(widget, name), getattr(widget, name)
    config = dict(widget.studio._core.panel.config)
    with pytest.raises(error) as caught:
        setattr(widget, name, value)
    assert caught.value.message
    assert caught.value.next_step
    assert getattr(widget, name) == before
    assert widget.studio._core.panel.config == config
    assert seen.changes == []


def test_a_value_that_cannot_be_stored_changes_nothing(playground, monkeypatch):
    widget = playground()

    def locked(*_):
        raise StoreLocked("Another program holds it.")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "save_setting", locked)
        patch.setattr(Store, "save_draft", locked)
        for name, value in [("n", 3), ("model", "fake:sheet"), ("params", {"width": 128}), ("prompt", "new")]:
            before = getattr(widget, name)
            with pytest.raises(StoreLocked):
                setattr(widget, name, value)
            assert getattr(widget, name) == before
    widget.n = 3
    assert widget.n == 3


def test_another_model_brings_its_own_parameters_at_once(playground):
    widget = playground()
    widget.params = {"width": 128}
    widget.model = "demo:instant"
    assert widget.params == widget.studio.params
    assert widget.params["width"] != 128
    widget.model = "fake:image"
    assert widget.params["width"] == 128


def test_the_parameters_of_the_panel_are_those_of_a_request(playground):
    widget = playground()
    widget.params = {**widget.params, "width": 128}
    batch = widget.generate("a fox", n=widget.n, **widget.params).result(WAIT)
    assert batch.params["width"] == 128


def test_traits_link_with_those_of_other_widgets(playground):
    widget, slider, text = playground(), ipywidgets.IntSlider(1, 1, 4), ipywidgets.Text()
    links = [
        ipywidgets.link((widget, "n"), (slider, "value")),
        traitlets.link((text, "value"), (widget, "prompt")),
    ]
    slider.value = 3
    text.value = "from the box"
    assert (widget.n, widget.prompt) == (3, "from the box")
    page, seen = Page(widget), Seen(slider, "value")
    page.configure(count=2)
    seen.wait_for("value", 2)
    for link in links:
        link.unlink()


def test_playgrounds_of_one_studio_show_the_same_panel_and_their_own_selection(playground):
    first, second = playground(), playground(model=None)
    batch = first.generate("a fox").result(WAIT)
    seen = Seen(second, "n", "prompt")
    first.n, first.prompt, first.selected = 4, "shared", [batch[0]]
    seen.wait_for("n", 4)
    seen.wait_for("prompt", "shared")
    assert second.selected == []
    first.studio.n = 2
    seen.wait_for("n", 2)


def test_the_prompt_follows_the_active_topic(playground):
    widget = playground()
    seen = Seen(widget, "prompt")
    widget.prompt = "of the new topic screen"
    topic = widget.new_topic("Foxes")
    seen.wait_for("prompt", "")
    widget.prompt = "of the foxes"
    page = Page(widget)
    page.call("select_topic", topicId=None)
    seen.wait_for("prompt", "of the new topic screen")
    page.call("select_topic", topicId=topic.id)
    seen.wait_for("prompt", "of the foxes")
    # The change may arrive before `delete` returns.
    seen.changes.clear()
    widget.delete(topic)
    seen.wait_for("prompt", "of the new topic screen")


def test_the_prompt_keeps_the_input_images_of_its_draft(playground):
    from imgplay_widget.testing import png

    widget = playground()
    reference = widget.add_reference(png())
    widget.prompt = "beside it"
    assert widget.references == (reference,)


# ------------------------------------------------------------------ the selection


def test_images_that_the_user_selects_reach_code_as_handles(playground):
    widget = playground()
    batch = widget.generate("a fox", n=2).result(WAIT)
    page, seen = Page(widget), Seen(widget, "selected")
    page.call("select", generationIds=[batch[1].id, batch[0].id, "gone"])
    seen.wait_for("selected", [batch[1], batch[0]])
    assert widget.selected[0].image.size == batch[1].image.size
    assert "text/html" in widget.selected._repr_mimebundle_()
    assert page.events("selection_changed") == []
    page.call("select", generationIds=[])
    seen.wait_for("selected", [])


def test_images_that_code_selects_are_selected_on_the_page(playground):
    widget = playground()
    page = Page(widget)
    batch = widget.generate("a fox", n=2).result(WAIT)
    widget.selected = batch
    assert page.wait_for("selection_changed")["generationIds"] == [one.id for one in batch]
    widget.selected = batch[0]
    assert widget.selected == [batch[0]]
    assert page.snapshot()["selected"] == [batch[0].id]


def test_a_deleted_image_is_not_selected_any_more(playground):
    widget = playground()
    batch = widget.generate("a fox", n=2).result(WAIT)
    other = widget.generate("an owl").result(WAIT)
    first, second = batch
    owl = other[0]
    seen = Seen(widget, "selected")
    widget.selected = [*batch, other]
    first.delete()
    seen.wait_for("selected", [second, owl])
    other.delete()
    seen.wait_for("selected", [second])


def test_an_image_of_another_studio_or_a_deleted_one_cannot_be_selected(playground, tmp_path):
    widget = playground()
    mine = widget.generate("a fox", n=2).result(WAIT)
    gone = mine[0]
    gone.delete()
    with Studio(tmp_path / "other.sqlite", providers=PROVIDERS) as studio:
        other = studio.generate("an owl", model="fake:image").result(WAIT)
        for images, error in [([other[0]], InvalidRequest), ([gone], NotFound)]:
            with pytest.raises(error):
                widget.selected = images
    assert widget.selected == []


# ------------------------------------------------------------------ observers


def test_an_observer_that_fails_is_reported_and_keeps_nothing_back(playground, caplog):
    widget = playground()
    page = Page(widget)

    def fails(_):
        raise ValueError("no luck")

    widget.observe(fails, "model")
    seen = Seen(widget, "n")
    page.configure(model="fake:sheet", count=3)
    seen.wait_for("n", 3)
    notice = page.wait_for("notice_shown")
    assert notice["level"] == "error"
    assert "ValueError: no luck" in notice["message"]
    assert widget.model == "fake:sheet"
    page.configure(count=2)
    seen.wait_for("n", 2)
    assert "no luck" in caplog.text


def test_an_observer_that_blocks_stops_neither_the_engine_nor_an_assignment_nor_the_end(playground):
    widget = playground()
    page, entered, go = Page(widget), threading.Event(), threading.Event()

    def blocks(_):
        entered.set()
        go.wait(WAIT)

    widget.observe(blocks, "n")
    page.configure(count=3)
    assert entered.wait(WAIT)
    widget.unobserve(blocks, "n")
    assert widget.generate("a fox").result(WAIT).status == "success"
    widget.prompt = "assigned meanwhile"
    assert widget.prompt == "assigned meanwhile"
    widget.close()
    go.set()


def test_an_observer_may_use_the_studio_and_close_the_playground(playground):
    widget = playground()
    page, done = Page(widget), threading.Event()

    def closes(change):
        widget.generate("from an observer", n=change["new"]).result(WAIT)
        widget.close()
        done.set()

    widget.observe(closes, "n")
    page.configure(count=2)
    assert done.wait(WAIT)


def test_a_closed_playground_refuses_an_assignment(playground):
    widget = playground()
    widget.close()
    with pytest.raises(StudioClosed):
        widget.n = 2
    assert widget.n == 1


# ------------------------------------------------------------------ a studio without a page


def test_a_studio_without_a_page_has_the_panel_as_attributes(tmp_path):
    with Studio(tmp_path / "s.sqlite", providers=PROVIDERS) as studio:
        studio.model, studio.n, studio.prompt = "fake:image", 2, "a fox"
        studio.params = {"width": 128}
        assert (studio.model, studio.n, studio.prompt, studio.params["width"]) == (
            "fake:image",
            2,
            "a fox",
            128,
        )
        batch = studio.generate(studio.prompt, n=studio.n, **studio.params).result(WAIT)
        assert (batch.model, len(batch)) == ("fake:image", 2)
        with pytest.raises(NotFound):
            studio.model = "fake:imge"
        for use in (lambda: studio.selected, lambda: setattr(studio, "selected", batch)):
            with pytest.raises(NoPage, match="no page") as caught:
                use()
            assert "ImagePlayground(studio=studio)" in caught.value.next_step
    with Studio(tmp_path / "s.sqlite", providers=PROVIDERS) as studio:
        assert (studio.model, studio.n, studio.params["width"]) == ("fake:image", 2, 128)


def test_the_traits_are_not_in_the_state_that_a_notebook_keeps(playground):
    widget = playground()
    widget.prompt = "secret words of a draft"
    settle(widget)
    assert not {"model", "params", "n", "prompt", "selected"} & set(widget.get_state())
    assert "secret words" not in str(widget.get_state())
