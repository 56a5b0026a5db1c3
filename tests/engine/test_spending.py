"""Spending, and a budget that refuses, as code sees them."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from imgplay_widget import Spend, Status
from imgplay_widget._rules.changes import SpendingWritten
from imgplay_widget._types import Done, Missing, Price
from imgplay_widget.errors import BadKey, InvalidRequest, Moderated, NotFound, OverBudget, PriceUnknown
from imgplay_widget.testing import FakeProvider, Gate, InstantClock, open_studio, picture, png
from tests.engine.priced import Priced

WAIT = 20
FOUR = Decimal("0.04")


def test_what_was_spent_by_model_topic_and_time():
    fake = Priced([replace(picture(), cost="0.05"), picture()])
    with open_studio(fake) as studio:
        studio.generate("one", model="fake:image", topic="foxes").result(WAIT)
        studio.generate("two", model="fake:image", topic="owls").result(WAIT)
        studio.generate("three", model="fake:queue", topic="owls").result(WAIT)
        spent = studio.spent()
        assert isinstance(spent, Spend)
        assert (spent.usd, spent.images, spent.unknown, spent.estimated) == (Decimal("0.09"), 3, 1, FOUR)
        assert {name: one.usd for name, one in spent.by_model.items()} == {
            "fake:image": Decimal("0.09"),
            "fake:queue": Decimal(0),
        }
        assert repr(spent).splitlines()[2:] == [
            "fake:image  2       $0.09  $0.04 by the model's price",
            "fake:queue  1              1 of unknown cost",
            "all         3       $0.09  $0.04 by the model's price; 1 of unknown cost",
        ]
        assert "<td>fake:image</td>" in spent._repr_html_()
        assert studio.spent(topic="foxes").usd == Decimal("0.05")
        assert studio.spent(studio._core.now() + timedelta(seconds=1)).images == 0
        assert repr(studio.spent(topic=studio.new_topic("empty"))) == "Nothing was spent."
        with pytest.raises(NotFound):
            studio.spent(topic="nowhere")


def test_a_failure_that_was_billed_and_its_retry_both_count():
    refused = Done(images=(Missing(error=Moderated("flagged", provider="fake").info),), cost="0.03")
    with open_studio(Priced([refused])) as studio:
        batch = studio.generate("a fox", model="fake:image")
        with pytest.raises(Moderated):
            batch.result(WAIT)
        assert studio.spent().usd == Decimal("0.03")
        batch.retry().result(WAIT)
        assert studio.spent().usd == Decimal("0.07")
        batch.delete()
        studio._core._clock.advance(61)
        studio._core.start(studio._core.curator.purge).result(WAIT)
        assert studio.spent().usd == Decimal("0.07")


def test_what_runs_on_this_machine_costs_nothing_and_is_known_to():
    with open_studio(FakeProvider()) as studio:
        studio.generate("a fox", model="fake:image").result(WAIT)
        studio.generate("a fox", model="demo:instant").result(WAIT)
        assert (studio.spent().usd, studio.spent().images, studio.spent().unknown) == (0, 2, 0)


def test_a_request_over_the_budget_is_refused_before_anything_is_stored_or_sent():
    fake = Priced()
    with open_studio(fake, budget=0.10) as studio:
        with pytest.raises(OverBudget, match=r"\$0\.16.*\$0\.10 a day") as caught:
            studio.generate("foxes", model="fake:image", n=4, references=[png()])
        assert "pg.budget" in caught.value.next_step
        assert studio.topics == []
        assert studio.active_topic is None
        assert list((studio._core.archive.store.assets.root / "originals").iterdir()) == []
        assert fake.submits == []
        studio.generate("foxes", model="fake:image", n=2).result(WAIT)
        with pytest.raises(OverBudget):
            studio.generate("a fox", model="fake:image")
        studio.budget = 0.12
        studio.generate("a fox", model="fake:image").result(WAIT)
        studio.budget = None
        studio.generate("foxes", model="fake:image", n=4).result(WAIT)
        assert len(fake.submits) == 7


@pytest.mark.parametrize(
    "model", ["fal:fal-ai/flux/schnell", "fal:fal-ai/flux/dev", "fal:openai/gpt-image-2"]
)
def test_a_budget_of_a_cent_refuses_four_images_of_fal(model):
    with open_studio(FakeProvider(), budget=0.01) as studio:
        studio.set_key("fal", "key-of-a-test")
        assert studio.estimate(model, 4).most > Decimal("0.01")
        with pytest.raises(OverBudget):
            studio.generate("four foxes", model=model, n=4)
        assert studio.topics == []


class Ranged(FakeProvider):
    """A cloud whose images cost from $0.01 to $0.25."""

    def models(self):
        price = Price(amount="0.01", most="0.25", unit="image")
        return tuple(replace(spec, price=price) for spec in super().models())


def test_a_budget_counts_the_most_that_a_request_may_cost_and_then_what_was_told(tmp_path):
    fake = Ranged([replace(picture(), cost="0.20")])
    with open_studio(fake, store=tmp_path, budget=0.24) as studio:
        with pytest.raises(OverBudget, match=r"\$0\.25"):
            studio.generate("a fox", model="fake:image")
        studio.budget = 0.26
        (made,) = studio.generate("a fox", model="fake:image").result(WAIT)
        assert made.cost == Decimal("0.20")
        assert studio.spent().usd == Decimal("0.20")
        with pytest.raises(OverBudget, match=r"Spent today: \$0\.20"):
            studio.generate("a fox", model="fake:image")
        studio.budget = None
        (made,) = studio.generate("a fox", model="fake:image").result(WAIT)
        assert made.cost == Decimal("0.01")
        assert studio.spent().estimated == Decimal("0.01")


def test_with_a_budget_an_unknown_price_needs_consent():
    fake = Priced()
    with open_studio(fake, budget=5) as studio:
        with pytest.raises(PriceUnknown, match=r"fake:queue.*\$5\.00 a day.*confirm=True") as caught:
            studio.generate("foxes", model="fake:queue")
        assert (caught.value.code, caught.value.fault) == ("price_unknown", "you")
        assert studio.topics == []
        assert list((studio._core.archive.store.assets.root / "originals").iterdir()) == []
        assert fake.submits == []
        studio.generate("a fox", model="fake:queue", confirm=True).result(WAIT)
        studio.budget = None
        studio.generate("a fox", model="fake:queue").result(WAIT)
        assert len(fake.submits) == 2


def test_consent_to_an_unknown_price_does_not_lift_the_budget():
    with open_studio(Priced(), budget=0.03) as studio, pytest.raises(OverBudget):
        studio.generate("a fox", model="fake:image", confirm=True)


def test_what_cannot_bill_needs_no_consent():
    with open_studio(FakeProvider(), budget=0) as studio:
        studio.generate("a fox", model="fake:image").result(WAIT)
        studio.generate("a fox", model="demo:instant").result(WAIT)


@pytest.mark.parametrize("one", [True, False])
def test_a_retry_of_unknown_price_needs_consent(one):
    fake = Priced([Moderated("No.", provider="fake")])
    with open_studio(fake) as studio:
        batch = studio.generate("a fox", model="fake:queue")
        with pytest.raises(Moderated):
            batch.result(WAIT)
        studio.budget = 5
        again = batch[0].retry if one else batch.retry
        with pytest.raises(PriceUnknown):
            again()
        assert isinstance(batch[0].error, Moderated)
        assert len(fake.submits) == 1
        again(confirm=True)
        batch.result(WAIT)


def test_a_retry_that_asks_for_a_job_needs_no_consent():
    fake = Priced(polls=[BadKey("No.", provider="fake")])
    with open_studio(fake) as studio:
        batch = studio.generate("a fox", model="fake:queue")
        with pytest.raises(BadKey):
            batch.result(WAIT)
        studio.budget = 5
        batch.retry().result(WAIT)
        assert len(fake.submits) == 1


def test_an_accepted_request_goes_on_after_a_restart(tmp_path):
    held = Gate(picture())
    with open_studio(Priced([held]), store=tmp_path, concurrency={"fake": 1}) as studio:
        studio.generate("first", model="fake:queue", topic="foxes")
        studio.generate("second", model="fake:queue", topic="foxes")
    with open_studio(Priced(), store=tmp_path, budget=5) as studio:
        second = studio.search("second")[0]
        assert second.result(WAIT).status is Status.SUCCESS


def test_a_rewritten_prompt_needs_consent_and_a_title_is_not_asked_for():
    fake = FakeProvider(words=["A red fox in snow"] * 3)
    fake.spec = replace(fake.spec, local=False)
    with open_studio(fake, budget=5) as studio:
        with pytest.raises(PriceUnknown, match="fake:"):
            studio.improve("a fox", model="fake:image")
        assert fake.questions == []
        assert studio.improve("a fox", model="fake:image", confirm=True) == "A red fox in snow"
        studio.generate("a fox", model="fake:image", confirm=True).result(WAIT)
        studio._core.start(studio._core.archive.settle).result(WAIT)
        assert len(fake.questions) == 1
        assert studio.topics[0].title == "a fox"


def test_a_free_text_model_needs_no_consent():
    fake = FakeProvider(words=["A red fox in snow"] * 3)
    with open_studio(fake, budget=5) as studio:
        assert studio.improve("a fox", model="fake:image") == "A red fox in snow"


def test_quick_requests_cannot_pass_the_budget_together():
    gate = Gate(picture())
    fake = Priced([gate])
    with open_studio(fake, budget=0.04) as studio:
        batch = studio.generate("a fox", model="fake:image")
        with pytest.raises(OverBudget, match=r"Still running: \$0\.04"):
            studio.generate("a fox", model="fake:image")
        gate.open()
        batch.result(WAIT)


def test_threads_cannot_pass_the_budget_together():
    fake = Priced([Gate(picture())] * 8)
    refused = []
    with open_studio(fake, budget=0.08) as studio:
        together = threading.Barrier(6)

        def ask():
            together.wait(WAIT)
            try:
                handles.append(studio.generate("a fox", model="fake:image"))
            except OverBudget as error:
                refused.append(error)

        handles = []
        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT)
        stored = studio._core.start(studio._core.archive.unfinished, 99).result(WAIT)
        assert len(stored) == 2
        late = [handle for handle in handles if handle.id not in {entry.batch.id for entry in stored}]
        for handle in late:
            with pytest.raises(OverBudget):
                handle.result(WAIT)
        assert len(refused) + len(late) == 4


def test_a_refusal_inside_the_transaction_stays_the_reason_whatever_the_store_does_later():
    with open_studio(Priced(), budget=1) as studio:
        core = studio._core
        core.allow = lambda prepared, *, confirm: setattr(studio, "budget", 0.01)
        for model, refusal in (("fake:image", OverBudget), ("fake:queue", PriceUnknown)):
            handle = studio.generate("a fox", model=model)
            with pytest.raises(refusal):
                handle.result(WAIT)
            core.call(core.live._refresh_batches)
            with pytest.raises(refusal, match="budget of"):
                handle.result(WAIT)
            assert handle.status is Status.ERROR
            assert isinstance(handle[0].error, refusal)


def test_a_retry_over_the_budget_changes_nothing():
    fake = Priced([Moderated("No.", provider="fake")])
    with open_studio(fake, budget=0.04) as studio:
        batch = studio.generate("a fox", model="fake:image")
        with pytest.raises(Moderated):
            batch.result(WAIT)
        studio.budget = 0.03
        with pytest.raises(OverBudget):
            batch.retry()
        assert isinstance(batch[0].error, Moderated)
        assert len(fake.submits) == 1
        studio.budget = 1
        batch.retry().result(WAIT)


def test_another_kernel_spends_of_the_same_budget(tmp_path):
    with (
        open_studio(Priced(), store=tmp_path) as first,
        open_studio(Priced(), store=tmp_path, budget=0.05) as second,
    ):
        first.generate("a fox", model="fake:image").result(WAIT)
        with pytest.raises(OverBudget):
            second.generate("a fox", model="fake:image")


def test_a_new_day_begins_with_nothing_spent():
    clock = InstantClock()
    told = []

    async def take(changes):
        told.extend(change for change in changes if isinstance(change, SpendingWritten))

    with open_studio(Priced(), budget=0.04, clock=clock) as studio:
        studio._core.subscribe(take, every=0.0)
        studio.generate("a fox", model="fake:image").result(WAIT)
        studio._core.start(studio._core.archive.settle).result(WAIT)
        clock.advance(24 * 3600)
        studio._core.start(studio._core.engine.beat).result(WAIT)
        studio._core.start(studio._core.archive.settle).result(WAIT)
        studio.generate("a fox", model="fake:image").result(WAIT)
    spent = [change.today.spent for change in told]
    assert spent[:1] == [0]
    assert FOUR in spent
    assert 0 in spent[spent.index(FOUR) :]


@pytest.mark.parametrize("budget", [-1, float("nan"), "5"])
def test_a_budget_is_an_amount(budget):
    with pytest.raises(InvalidRequest, match="budget="), open_studio(budget=budget):
        pass
    with open_studio() as studio:
        with pytest.raises(InvalidRequest, match="budget="):
            studio.budget = budget
        assert studio.budget is None
