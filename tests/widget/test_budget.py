"""Spending as the page sees it, and a budget that refuses the page's requests."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from imgplay_widget._types import Price
from imgplay_widget.errors import Moderated
from imgplay_widget.testing import FakeProvider, Gate, picture

WAIT = 20
WISH = {"model": "fake:image", "prompt": "a red fox", "params": {}}
REQUEST = {"wishes": [WISH], "n": 2, "topicId": None}


class Priced(FakeProvider):
    def models(self):
        return tuple(replace(spec, price=Price(amount="0.04", unit="image")) for spec in super().models())


def told(**wanted):
    """Return whether the last event about spending has these values."""

    def test(events):
        states = [event["spending"] for event in events if event["type"] == "spending_changed"]
        return bool(states) and wanted.items() <= states[-1].items()

    return test


def test_the_snapshot_says_what_was_spent_today_and_of_how_much(open_page):
    with open_page(Priced([replace(picture(), cost="0.05")]), budget=5) as page:
        nothing = {"today": "0", "unknown": 0, "running": "0", "budget": "5"}
        assert page.result("hello")["snapshot"]["spending"] == nothing
        page.studio.generate("a fox", model="fake:image").result(WAIT)
        assert page.result("hello")["snapshot"]["spending"] == {**nothing, "today": "0.05"}


def test_the_saved_state_holds_none_of_it(open_page):
    with open_page(Priced(), budget=5) as page:
        page.studio.generate("a fox", model="fake:image").result(WAIT)
        saved = page.studio._core.start(page.kernel.small_snapshot).result(WAIT)
        assert saved["spending"] == {"today": "0", "unknown": 0, "running": "0", "budget": None}


def test_a_batch_costs_what_was_told_or_what_the_price_says(open_page):
    with open_page(Priced([replace(picture(), cost="0.05"), picture()])) as page:
        for prompt in ("a fox", "a hare"):
            page.studio.generate(prompt, model="fake:image", topic="One").result(WAIT)
        found = page.result("feed", topicId=None)["feed"]["batches"]
        assert [(b["cost"], b["costEstimated"]) for b in found] == [("0.04", True), ("0.05", False)]


def test_each_end_and_each_change_of_the_budget_is_told(open_page):
    gate = Gate(picture())
    with open_page(Priced([gate])) as page:
        page.result("hello")
        page.result("generate", **{**REQUEST, "n": 1})
        page.wait_for(told(today="0", running="0.04", budget=None))
        gate.open()
        page.wait_for(told(today="0.04", running="0"))
        page.studio.budget = Decimal("2.50")
        page.wait_for(told(today="0.04", budget="2.50"))


def test_a_request_over_the_budget_is_refused_by_name_and_stores_nothing(open_page):
    fake = Priced()
    with open_page(fake, budget=0.05) as page:
        page.result("hello")
        error = page.error("generate", **REQUEST)
        assert (error["code"], error["fault"], error["retryable"]) == ("over_budget", "you", False)
        assert "pg.budget" in error["nextStep"]
        assert page.studio.topics == []
        assert fake.submits == []
        assert page.events("batch_added") == []
        page.studio.budget = 0.08
        page.result("generate", **REQUEST)


def test_a_click_over_the_budget_is_refused_whole(open_page):
    fake = Priced()
    with open_page(fake, budget=0.10) as page:
        page.result("hello")
        click = {"wishes": [WISH, {**WISH, "prompt": "a hare"}, WISH], "n": 1, "topicId": None}
        error = page.error("generate", **click)
        # The notice does not belong to one request.
        assert (error["code"], "wish" in error) == ("over_budget", False)
        assert "These 3 requests ($0.12)" in error["message"]
        assert (page.studio.topics, fake.submits, page.events("batch_added")) == ([], [], [])
        page.studio.budget = 0.12
        assert len(page.result("generate", **click)["batches"]) == 3


def test_a_retry_over_the_budget_is_refused_by_name(open_page):
    fake = Priced([Moderated("No.", provider="fake")])
    with open_page(fake, budget=1) as page:
        batch = page.studio.generate("a fox", model="fake:image")
        with pytest.raises(Moderated):
            batch.result(WAIT)
        page.studio.budget = 0
        assert page.error("retry", batchId=batch.id)["code"] == "over_budget"
        assert len(fake.submits) == 1


class Unpriced(FakeProvider):
    """A cloud without a price list."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.spec = replace(self.spec, local=False)


def test_a_click_of_unknown_price_is_refused_by_name_until_the_user_agrees(open_page):
    fake = Unpriced()
    with open_page(fake, budget=5) as page:
        page.result("hello")
        click = {"wishes": [WISH, {**WISH, "model": "fake:queue"}], "n": 1, "topicId": None}
        error = page.error("generate", **click)
        assert (error["code"], error["fault"], "wish" in error) == ("price_unknown", "you", False)
        assert "fake:image and fake:queue" in error["message"]
        assert "confirm=True" in error["nextStep"]
        assert (page.studio.topics, fake.submits, page.events("batch_added")) == ([], [], [])
        assert len(page.result("generate", **click, confirm=True)["batches"]) == 2


def test_a_retry_and_an_improvement_of_unknown_price_need_consent(open_page):
    fake = Unpriced([Moderated("No.", provider="fake")], words=["A red fox"])
    with open_page(fake) as page:
        batch = page.studio.generate("a fox", model="fake:image")
        with pytest.raises(Moderated):
            batch.result(WAIT)
        page.studio.budget = 5
        assert page.error("retry", batchId=batch.id)["code"] == "price_unknown"
        wish = {"prompt": "a fox", "mode": "expand", "model": "fake:image"}
        assert page.error("improve", **wish)["code"] == "price_unknown"
        assert (len(fake.submits), fake.questions) == (1, [])
        page.result("retry", batchId=batch.id, confirm=True)
        assert page.result("improve", **wish, confirm=True)["prompt"] == "A red fox"
        batch.result(WAIT)
