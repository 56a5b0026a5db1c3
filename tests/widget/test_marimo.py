"""What marimo reads of a playground, and the changes after which it runs the cells that use it."""

from __future__ import annotations

import json

import comm as comm_package
import pytest

from imgplay_widget import ImagePlayground
from tests.widget.test_panel import PROVIDERS, Page, Seen
from tests.widget.test_widget import RecordingComm, settle

WAIT = 20


class MarimoComm(RecordingComm):
    """A comm that knows the element that shows its widget, as those of marimo do."""

    ui_element_id = "element"


@pytest.fixture
def widget(tmp_path, monkeypatch):
    monkeypatch.setattr(comm_package, "create_comm", MarimoComm)
    made = ImagePlayground(store=tmp_path / "s.sqlite", providers=PROVIDERS, model="fake:image")
    yield made
    made.close()


class Told:
    """The changes of which the browser was told, with the values that code had at that time."""

    def __init__(self, widget):
        self.widget = widget
        self.values = Seen(widget, "_changes", "model", "params", "n", "prompt", "selected")

    def counts(self):
        return self.widget.comm.states("_changes")

    def wait_for(self, count):
        self.widget.comm.wait_for(lambda: self.counts()[-1:] == [count])


def settled(widget):
    """Wait until the observers and the loop did what they were told so far."""
    for _ in range(2):
        settle(widget)
        seen = Seen(widget, "theme")
        widget._observers.put("A test", lambda: setattr(widget, "theme", "dark"))
        seen.wait_for("theme", "dark")
        widget.theme = "auto"


def test_the_value_is_what_the_user_sees_of_the_playground(widget):
    batch = widget.generate("a fox", n=2).result(WAIT)
    widget.prompt, widget.n, widget.selected = "an owl", 3, batch[1]
    value = widget.get_state()
    assert value["selected"] == [batch[1].id]
    assert (value["model"], value["n"], value["prompt"]) == ("fake:image", 3, "an owl")
    assert value["params"] == widget.params
    assert (value["theme"], value["height"]) == ("auto", None)
    assert not [name for name in value if name.startswith("_")]
    json.dumps(value["selected"])


def test_the_value_is_not_sent_to_the_browser(widget):
    widget.prompt = "only for the kernel"
    widget.send_state()
    for _, data, _ in widget.comm.sent:
        assert not {"model", "params", "n", "prompt", "selected"} & set(data.get("state", {}))


def test_each_change_of_a_page_is_told_once_and_after_the_traits_have_it(widget):
    batch = widget.generate("a fox", n=2).result(WAIT)
    page, told = Page(widget), Told(widget)
    page.configure(count=3)
    told.wait_for(1)
    page.configure(params={"fake:image": {"width": 128}})
    told.wait_for(2)
    page.call("save_draft", topicId=batch.topic_id, prompt="an owl", references=[], mask=None)
    told.wait_for(3)
    page.call("select", generationIds=[batch[0].id, batch[1].id])
    told.wait_for(4)
    page.call("delete", what="generation", ids=[batch[0].id])
    told.wait_for(5)
    page.call("select_topic", topicId=None)
    told.wait_for(6)
    order = [name for name, _, _ in told.values.changes]
    assert order[1::2] == ["_changes"] * 6
    assert order[::2] == ["n", "params", "prompt", "selected", "selected", "prompt"]


def test_what_changes_nothing_or_comes_from_code_is_not_told(widget):
    batch = widget.generate("a fox", n=2).result(WAIT)
    page, told = Page(widget), Told(widget)
    page.configure(alsoModels=["fake:sheet"])
    page.call("select", generationIds=[])
    # A cell that does all of this would else start itself again and again, and pay each time.
    widget.n, widget.prompt, widget.model = 3, "an owl", "fake:sheet"
    widget.selected = batch
    widget.new_topic("Foxes")
    widget.delete(batch[0])
    widget.generate("a wolf", model="fake:image", topic="Wolves").result(WAIT)
    settled(widget)
    assert told.counts() == [0]
