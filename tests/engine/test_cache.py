"""The stored batch of a request that was made before: a notebook that runs again costs nothing twice."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from imgplay_widget.errors import InvalidRequest, MissingKey, Moderated, OverBudget
from imgplay_widget.providers import ProviderSpec
from imgplay_widget.testing import FakeProvider, Gate, mask_png, open_studio, picture, png
from tests.engine.test_shown import Cell

WAIT = 30
ASKED = {"prompt": "a red fox", "model": "fake:image", "n": 2, "width": 128}


def test_the_same_request_gives_the_stored_batch_and_sends_nothing(studio, fake):
    made = studio.generate(**ASKED, cache=True)
    assert made.result(WAIT).cached is False
    again = studio.generate(**ASKED, cache=True)
    assert (again, again.cached, again.status) == (made, True, "success")
    assert again.result(0) is again
    assert repr(again).endswith("2 success, from the store>")
    assert "2 images · from the store" in again._repr_mimebundle_()["text/html"]
    assert "from the store" not in made._repr_mimebundle_()["text/html"]
    assert len(fake.submits) == 2
    assert studio.generate(**ASKED) != made


@pytest.mark.parametrize(
    "other",
    [{"prompt": "a blue fox"}, {"n": 1}, {"width": 192}, {"seed": 7}, {"model": "fake:sheet"}],
    ids=str,
)
def test_another_request_is_sent(studio, other):
    made = studio.generate(**ASKED).result(WAIT)
    new = studio.generate(**{**ASKED, **other}, cache=True).result(WAIT)
    assert (new != made, new.cached) == (True, False)


def test_default_parameters_and_numbers_of_another_form_make_the_same_request(studio):
    made = studio.generate("a fox", model="fake:image", seed=7).result(WAIT)
    again = studio.generate("a fox", model="fake:image", seed=7.0, width=64, height=64.0, cache=True)
    assert again == made


def test_without_a_seed_the_last_batch_of_the_request_is_given(studio):
    first, last = (studio.generate(**ASKED).result(WAIT) for _ in range(2))
    seeded = studio.generate(**ASKED, seed=first[0].seed).result(WAIT)
    assert studio.generate(**ASKED, cache=True) == last
    assert studio.generate(**ASKED, seed=first[0].seed, cache=True) == seeded


def test_references_count_by_their_bytes(studio, tmp_path):
    (tmp_path / "fox.png").write_bytes(png())
    mask = mask_png(64, 64, free=(0, 0, 9, 9))
    asked = {"prompt": "a fox", "model": "fake:image", "cache": True}
    made = studio.generate(**asked, references=[png(), png(32, 32)], mask=mask).result(WAIT)
    for first in (studio.add_reference(png()), tmp_path / "fox.png"):
        assert studio.generate(**asked, references=[first, png(32, 32)], mask=mask) == made
    others = [
        {"references": [png(32, 32), png()]},
        {"references": [png(), png(32, 32)]},
        {"references": [png()], "mask": mask},
        {},
    ]
    for other in others:
        assert studio.generate(**asked, **other).result(WAIT) != made


def test_a_link_is_a_reference_by_its_bytes(studio, fake, monkeypatch):
    asked = []

    async def fetch(url):
        asked.append(url)
        return png()

    monkeypatch.setattr(studio._core.clients, "fetch", fetch)
    made = studio.generate("a fox", model="fake:image", references="https://a.example/1.png").result(WAIT)
    again = studio.generate("a fox", model="fake:image", references=["HTTPS://a.example/2.png"], cache=True)
    assert again == made
    assert asked == ["https://a.example/1.png", "HTTPS://a.example/2.png"]
    assert len(fake.submits) == 1


def test_a_batch_that_runs_is_given_as_it_is():
    gate = Gate(picture())
    fake = FakeProvider([gate])
    with open_studio(fake) as studio:
        made = studio.generate("a fox", model="fake:image", cache=True)
        # Nothing was stored so far, perhaps.
        again = studio.generate("a fox", model="fake:image", cache=True)
        assert (again, again.cached) == (made, True)
        assert again.status in ("pending", "processing")
        gate.open()
        assert again.result(WAIT).status == "success"
        assert len(studio.topics) == 1
    assert len(fake.submits) == 1


def test_threads_that_ask_for_the_same_at_once_share_one_batch(studio, fake):
    with ThreadPoolExecutor(8) as threads:
        batches = list(threads.map(lambda _: studio.generate(**ASKED, cache=True), range(8)))
    assert len(set(batches)) == 1
    batches[0].result(WAIT)
    assert len(fake.submits) == 2


def test_a_batch_of_another_kernel_is_given(store):
    gate, fake = Gate(picture()), FakeProvider()
    with open_studio(FakeProvider([gate]), store=store) as one, open_studio(fake, store=store) as other:
        made = one.generate("a fox", model="fake:image")
        assert gate.reached.wait(WAIT)
        assert other.generate("a fox", model="fake:image", cache=True) == made
        gate.open()
        made.result(WAIT)
    assert fake.submits == []


def test_a_batch_with_a_failed_slot_is_not_taken_until_a_retry_fills_it():
    fake = FakeProvider([picture(), Moderated("No.")], concurrency=1)
    with open_studio(fake) as studio:
        failed = studio.generate(**ASKED).result(WAIT)
        new = studio.generate(**ASKED, cache=True).result(WAIT)
        assert new != failed
        new.delete()
        failed.retry().result(WAIT)
        assert studio.generate(**ASKED, cache=True) == failed


def test_a_batch_whose_image_is_gone_is_not_taken(studio):
    made = studio.generate(**ASKED).result(WAIT)
    made[1].path.unlink()
    assert studio.generate(**ASKED, cache=True).result(WAIT) != made


def test_a_deleted_batch_is_not_taken(studio):
    made = studio.generate(**ASKED).result(WAIT)
    made.delete()
    assert studio.generate(**ASKED, cache=True).result(WAIT) != made
    studio.restore(made)


class Keyed(FakeProvider):
    """A provider that needs a key."""

    def __init__(self):
        super().__init__()
        self.spec = ProviderSpec(name="fake", title="Fake", key_variables=("FAKE_API_KEY",), local=True)


def test_a_stored_batch_needs_neither_key_nor_budget_and_makes_no_topic(store):
    with open_studio(Keyed(), store=store, keys={"fake": "secret"}) as studio:
        made = studio.generate(**ASKED, topic="Foxes").result(WAIT)
    with open_studio(Keyed(), store=store, budget=0) as studio:
        again = studio.generate(**ASKED, topic="Elsewhere", cache=True)
        assert again.id == made.id
        assert [topic.title for topic in studio.topics] == ["Foxes"]
        for other in ({"prompt": "a wolf"}, {"cache": False}):
            with pytest.raises((MissingKey, OverBudget)):
                studio.generate(**{**ASKED, "cache": True, **other})


def test_a_request_that_could_not_be_stored_is_sent_the_next_time():
    fake = FakeProvider()
    with open_studio(fake) as studio:
        topic = studio.new_topic("Foxes")
        topic.delete()
        lost = studio.generate(**ASKED, topic=topic, cache=True)
        with pytest.raises(Exception, match="topic is gone"):
            lost.result(WAIT)
        assert studio.generate(**ASKED, cache=True).result(WAIT) != lost


def test_the_studio_can_take_stored_batches_for_all_requests(studio):
    assert studio.cache is False
    studio.cache = True
    made = studio.generate(**ASKED).result(WAIT)
    assert studio.generate(**ASKED) == made
    assert studio.generate(**ASKED, cache=False) != made
    with pytest.raises(InvalidRequest, match="neither True nor False"):
        studio.cache = "yes"
    assert studio.cache is True


# ------------------------------------------------------------------ what the user reads


def test_a_cell_says_that_its_batch_comes_from_the_store(studio, monkeypatch):
    studio.generate(**ASKED).result(WAIT)
    cell = Cell()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: cell))
    studio.generate(**ASKED, cache=True)
    ((_, update, shown),) = cell.shown
    assert update is False
    assert shown["text/plain"].startswith("From the store: 2 images, requested on 20")
    assert shown["text/plain"].endswith("Nothing was sent or paid.")
    studio.progress = False
    studio.generate(**ASKED, cache=True)
    assert len(cell.shown) == 1


def test_a_script_says_it_only_where_it_shall(studio, capsys):
    studio.generate("a fox", model="fake:image").result(WAIT)
    studio.generate("a fox", model="fake:image", cache=True)
    assert capsys.readouterr().err == ""
    studio.progress = True
    studio.generate("a fox", model="fake:image", cache=True)
    assert capsys.readouterr().err.startswith("From the store: 1 image, ")


def test_a_batch_that_runs_already_says_so(capsys):
    gate = Gate(picture())
    with open_studio(FakeProvider([gate])) as studio:
        studio.generate("a fox", model="fake:image")
        studio.progress = True
        studio.generate("a fox", model="fake:image", cache=True)
        assert capsys.readouterr().err.startswith("This request runs already: ")
        gate.open()
