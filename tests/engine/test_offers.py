"""The models that the providers offer, the age of these lists, and the test of a key."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from imgplay_widget._types import ModelSpec, Parameter, Price, ProviderSpec
from imgplay_widget.errors import (
    BadKey,
    BadResponse,
    ConnectFailed,
    InvalidRequest,
    MissingKey,
    NotFound,
    OverBudget,
    ServerError,
)
from imgplay_widget.providers import Provider
from imgplay_widget.providers.openrouter import OpenRouter
from imgplay_widget.testing import FakeProvider, Gate, InstantClock, open_studio, picture
from imgplay_widget.testing.server import ProviderServer, answer

WAIT = 20
KEY = "sk-canary-0123"
SHIPPED = ModelSpec(
    provider="cloud",
    id="shipped",
    title="Shipped",
    notice="Mind this.",
    price=Price(amount="0.04", unit="image"),
)


class Cloud(FakeProvider):
    """A provider that lists its models when it is asked."""

    def __init__(self, *answers, name="cloud", keyed=True):
        super().__init__(name=name)
        variables = (f"{name.upper()}_TEST_KEY",) if keyed else ()
        self.spec = ProviderSpec(
            name=name, title=name.title(), key_variables=variables, key_url="https://c/k"
        )
        self.answers = list(answers)
        self.asked = 0

    def origin(self):
        return "https://cloud.example"

    def models(self):
        return [replace(SHIPPED, provider=self.spec.name)]

    async def discover(self, http):
        self.asked += 1
        answer = self.answers.pop(0) if self.answers else [offer("new")]
        if isinstance(answer, Gate):
            await answer.wait()
            answer = answer.answer
        if isinstance(answer, Exception):
            raise answer
        return answer


class Checked(Cloud):
    """A provider with its own connection test."""

    async def check(self, http):
        await super().discover(http)


class Plain(Cloud):
    """A provider without a free call that could test a key."""

    discover = Provider.discover


def offer(id, **more):
    return ModelSpec(provider="cloud", id=id, title=more.pop("title", id), **more)


def names(studio, provider="cloud"):
    return [spec.id for spec in studio.models(provider)]


def freshen(studio):
    """Do what the hello of a page does, and wait for its end."""
    studio._core.start(studio._core.offers.freshen).result(WAIT)
    studio._core.start(studio._core.archive.settle).result(WAIT)


@pytest.fixture
def changes():
    return []


@pytest.fixture
def open_cloud(tmp_path, changes):
    def opener(*providers, **options):
        options = {"store": tmp_path / "offers.sqlite", "keys": {"cloud": KEY}, **options}
        return open_studio(*providers, **options)

    return opener


def told(studio, changes):
    async def take(some):
        changes.extend(type(change).__name__ for change in some)

    return studio._core.subscribe(take, every=0.0)


# ------------------------------------------------------------------ models


def test_what_a_provider_offers_goes_over_what_is_shipped(open_cloud):
    cloud = Cloud([offer("shipped", native_n=4), offer("new", title="New")])
    with open_cloud(cloud) as studio:
        assert names(studio) == ["shipped"]
        table = studio.refresh_models("cloud")
        assert [spec.id for spec in table] == ["shipped", "new"]
        shipped = studio._core.registry.find("cloud:shipped")[1]
        assert (shipped.title, shipped.notice, shipped.native_n) == ("Shipped", "Mind this.", 4)
        assert studio._core.registry.find("cloud:new")[1].title == "New"
        assert "was asked for its models on 2026-01-01 at 00:00 UTC" in repr(table)
        assert studio.generate("a fox", model="cloud:new").result(WAIT)[0].bytes


def test_it_is_kept_with_its_age_and_there_when_a_studio_opens(open_cloud):
    with open_cloud(Cloud()) as studio:
        studio.refresh_models("cloud")
        asked_at = studio._core.offers.asked_at("cloud")
    again = Cloud()
    with open_cloud(again) as studio:
        assert names(studio) == ["shipped", "new"]
        assert studio._core.offers.asked_at("cloud") == asked_at
        assert again.asked == 0


@pytest.mark.parametrize(
    "stored", [None, 7, [], {}, {"at": "yesterday", "models": []}, {"at": 3}, {"models": 1}]
)
def test_a_list_that_cannot_be_read_is_as_if_never_asked_for(open_cloud, stored):
    with open_cloud(Cloud()) as studio:
        studio._core.start(studio._core.archive.save_setting, "discovery:cloud", stored).result(WAIT)
    with open_cloud(Cloud()) as studio:
        assert names(studio) == ["shipped"]


def test_it_is_asked_for_again_after_a_day_when_a_page_looks(open_cloud):
    cloud, clock = Cloud(), InstantClock()
    with open_cloud(cloud, clock=clock) as studio:
        freshen(studio)
        freshen(studio)
        assert cloud.asked == 1
        clock.advance(timedelta(hours=23).total_seconds())
        freshen(studio)
        assert cloud.asked == 1
        clock.advance(timedelta(hours=2).total_seconds())
        freshen(studio)
        assert cloud.asked == 2


def test_nothing_is_asked_before_a_page_looks_or_without_a_key(open_cloud):
    cloud = Cloud()
    with open_cloud(cloud, keys={}) as studio:
        studio.generate("a fox", model="demo:instant").result(WAIT)
        assert cloud.asked == 0
        freshen(studio)
        assert cloud.asked == 0


def test_a_provider_that_does_not_answer_holds_nobody_up(open_cloud):
    gate = Gate([])
    with open_cloud(Cloud(gate)) as studio:
        studio._core.start(studio._core.offers.freshen).result(WAIT)
        assert gate.reached.wait(WAIT)
        assert names(studio) == ["shipped"]
        assert studio.generate("a fox", model="demo:instant").result(WAIT)[0].bytes


def test_being_offline_is_no_news_but_other_troubles_are_a_notice(open_cloud, changes):
    clock = InstantClock()
    cloud = Cloud(ConnectFailed("No connection.", provider="cloud"), BadKey("Who are you?", provider="cloud"))
    with open_cloud(cloud, clock=clock) as studio:
        end = told(studio, changes)
        freshen(studio)
        assert "NoticeGiven" not in changes
        freshen(studio)
        assert cloud.asked == 1, "one that did not answer is left alone for a while"
        clock.advance(1000)
        freshen(studio)
        assert cloud.asked == 2
        assert names(studio) == ["shipped"]
        studio._core.start(studio._core.archive.settle).result(WAIT)
        end()
    assert changes.count("NoticeGiven") == 1


def test_a_failed_question_keeps_the_list_and_tells_its_age_and_the_reason(open_cloud, changes):
    clock = InstantClock()
    lost = ConnectFailed("Cloud cannot be reached.", provider="cloud")
    with open_cloud(Cloud([offer("new")], lost, lost), clock=clock) as studio:
        end = told(studio, changes)
        studio.refresh_models("cloud")
        clock.advance(timedelta(hours=3).total_seconds())
        changes.clear()
        with pytest.raises(ConnectFailed):
            studio.refresh_models("cloud")
        studio._core.start(studio._core.archive.settle).result(WAIT)
        assert names(studio) == ["shipped", "new"]
        assert studio.generate("a fox", model="cloud:new").result(WAIT)[0].bytes
        told_by = repr(studio.models("cloud"))
        assert "asked for its models on 2026-01-01 at 00:00 UTC" in told_by
        assert "asked again on 2026-01-01 at 03:00 UTC, without a list: Cloud cannot be reached." in told_by
        end()
    assert "ModelsWritten" in changes, "a page hears of the failure"
    with open_cloud(Cloud(lost), clock=clock) as studio:
        assert names(studio) == ["shipped", "new"]
        with pytest.raises(ConnectFailed):
            studio.refresh_models("cloud")
        assert names(studio) == ["shipped", "new"]


def test_a_list_that_comes_again_or_another_key_ends_the_failure(open_cloud):
    with open_cloud(Cloud(BadKey("Who are you?", provider="cloud"), [offer("new")])) as studio:
        with pytest.raises(BadKey):
            studio.refresh_models("cloud")
        assert "was asked for its models on" in repr(studio.models("cloud"))
        assert studio._core.offers.unanswered("cloud").message == "Who are you?"
        studio.set_key("cloud", KEY)
        assert studio._core.offers.unanswered("cloud") is None
        studio.refresh_models("cloud")
        assert studio._core.offers.unanswered("cloud") is None
        assert names(studio) == ["shipped", "new"]


def test_a_server_that_never_answered_is_no_news(open_cloud, changes):
    lost = ConnectFailed("Cloud cannot be reached.", provider="cloud")
    with open_cloud(Cloud(lost)) as studio:
        end = told(studio, changes)
        with pytest.raises(ConnectFailed):
            studio.refresh_models("cloud")
        studio._core.start(studio._core.archive.settle).result(WAIT)
        end()
        assert studio._core.offers.unanswered("cloud") is None
    assert changes == []


def test_a_provider_without_a_key_was_not_asked(open_cloud):
    with open_cloud(Cloud(MissingKey("No key.", provider="cloud")), keys={}) as studio:
        with pytest.raises(MissingKey):
            studio.refresh_models("cloud")
        assert studio._core.offers.unanswered("cloud") is None


def test_the_one_that_was_asked_by_name_says_why_not(open_cloud):
    with open_cloud(Cloud(ServerError("Out of order.", provider="cloud"))) as studio:
        with pytest.raises(ServerError, match="Out of order"):
            studio.refresh_models("cloud")
        with pytest.raises(NotFound):
            studio.refresh_models("nobody")


def test_an_answer_that_is_not_understood_is_told_without_the_key(open_cloud, caplog):
    caplog.set_level(logging.DEBUG)
    with open_cloud(Cloud(KeyError(f"no {KEY} in it"))) as studio:
        with pytest.raises(BadResponse, match="not understood") as caught:
            studio.refresh_models("cloud")
        assert KEY not in str(caught.value)
    assert KEY not in caplog.text


def test_what_cannot_be_shown_is_left_out(open_cloud):
    bad = Parameter(name="size", type="object", title="Size")  # type: ignore[arg-type]
    cloud = Cloud([offer("odd", parameters=(bad,)), offer(""), offer("twice"), offer("twice", native_n=2)])
    with open_cloud(cloud) as studio:
        studio.refresh_models("cloud")
        assert names(studio) == ["shipped", "odd", "twice"]
        assert studio._core.registry.find("cloud:odd")[1].parameters == ()


def test_all_are_asked_and_those_that_fail_keep_their_list(open_cloud):
    first, second = Cloud(BadKey("no", provider="cloud")), Cloud([offer("fresh")], name="other", keyed=False)
    with open_cloud(first, second) as studio:
        table = studio.refresh_models()
        assert {"cloud:shipped", "other:fresh"} <= {spec.name for spec in table}


# ------------------------------------------------------------------ keys


@pytest.mark.parametrize(
    ("provider", "outcome", "words"),
    [
        (Checked(), "good", "accepts the key (given to this studio)"),
        (Cloud(), "reached", "did not refuse"),
        (Cloud(keyed=False), "good", "answers"),
        (Plain(), "unknown", "no free call"),
        (Checked(BadKey("Who are you?", provider="cloud")), "bad_key", "Who are you?"),
        (Checked(ConnectFailed("No route.", provider="cloud")), "no_network", "cannot be reached"),
        (Checked(ServerError("Broken.", provider="cloud")), "other", "Broken."),
        (Checked(ValueError(KEY)), "other", "not understood"),
    ],
)
def test_a_check_tells_the_cases_apart(open_cloud, provider, outcome, words):
    with open_cloud(provider) as studio:
        check = studio.check("cloud")
        assert (check.provider, check.outcome, check.ok) == ("cloud", outcome, outcome in ("good", "reached"))
        assert words in repr(check)
        assert KEY not in repr(check)
        assert provider.submits == []


def test_a_check_without_a_key_asks_nobody_and_says_what_to_do(open_cloud):
    cloud = Checked()
    with open_cloud(cloud, keys={}) as studio:
        check = studio.check("cloud")
        assert check.outcome == "missing_key"
        assert "CLOUD_TEST_KEY" in check.message
        assert cloud.asked == 0
        assert studio.check("demo").outcome == "good"
        with pytest.raises(NotFound):
            studio.check("nobody")


def test_a_key_is_taken_told_and_forgotten(open_cloud, changes):
    with open_cloud(Cloud(), keys={}) as studio:
        end = told(studio, changes)
        kept = studio.set_key("cloud", f" {KEY}\n")
        assert (kept.kept_in, KEY in repr(kept)) == ("memory", False)
        assert studio._core.keys.get(studio._core.registry.get("cloud").spec) == KEY
        assert "memory" in repr(kept)
        # The tests run without a keyring.
        kept = studio.set_key("cloud", KEY, remember=True)
        assert kept.kept_in == "memory"
        assert "imgplay-widget[keyring]" in repr(kept)
        assert studio.set_key("cloud", None).kept_in == "nowhere"
        with pytest.raises(MissingKey):
            studio.generate("a fox", model="cloud:shipped")
        end()
    assert "ModelsWritten" in changes


def test_without_a_key_it_is_asked_for(open_cloud, monkeypatch):
    asked = []

    def getpass(prompt):
        asked.append(prompt)
        return KEY if len(asked) == 1 else "  "

    monkeypatch.setattr("getpass.getpass", getpass)
    with open_cloud(Cloud(), keys={}) as studio:
        assert studio.set_key("cloud").kept_in == "memory"
        assert "Cloud" in asked[0]
        assert studio.set_key("cloud").kept_in == "nowhere"
        assert studio._core.keys.get(studio._core.registry.get("cloud").spec) == KEY


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel", "x" * 5000])
def test_what_can_be_no_key_is_refused_and_not_shown(open_cloud, key):
    with open_cloud(Cloud(), keys={}) as studio:
        with pytest.raises(InvalidRequest) as caught:
            studio.set_key("cloud", key)
        assert key not in str(caught.value)


def test_a_key_in_a_slow_place_is_found_when_it_is_needed(open_cloud, monkeypatch):
    held = {"cloud": ""}
    monkeypatch.setattr(
        "imgplay_widget.providers._shared.key_sources.from_keyring", lambda name: held.get(name, "")
    )
    with open_cloud(Cloud(), keys={}) as studio:
        held["cloud"] = KEY
        assert studio._core.keys.state(studio._core.registry.get("cloud").spec) == "missing"
        assert studio.generate("a fox", model="cloud:shipped").result(WAIT)[0].bytes
        assert "set (system keyring)" in repr(studio.models("cloud"))


def test_a_job_of_an_earlier_kernel_waits_for_its_key(open_cloud, monkeypatch):
    monkeypatch.setattr("imgplay_widget.providers._shared.key_sources.from_keyring", lambda name: KEY)

    class Keyed(Cloud):
        seen = None

        async def submit(self, unit, http):
            Keyed.seen = http._key()
            return picture()

    with open_cloud(Keyed()) as studio:
        prepared = studio._core.prepare(
            studio._core.check("a fox", model="cloud:shipped", n=1, params={}), topic_id=None
        )
        studio.set_key("cloud", None)
        studio._core.start(partial(studio._core.add, [prepared], select=False)).result(WAIT)
        studio.batches(prepared.entry.batch.topic_id)[0].result(WAIT)
    assert Keyed.seen == KEY


# ------------------------------------------------------------------ prices


def test_a_price_is_told_before(open_cloud):
    with open_cloud(Cloud()) as studio:
        cost = studio.estimate("cloud:shipped", 4)
        assert (cost.expected, cost.least, cost.most) == (Decimal("0.16"),) * 3
        assert repr(studio.estimate("demo:instant", 2)) == repr(studio.estimate()) == "$0.00"
        with pytest.raises(InvalidRequest):
            studio.estimate("cloud:shipped", 99)


def test_a_price_that_a_server_lists_counts_everywhere(tmp_path):
    model = "bytedance-seed/seedream-4.5"
    listed = {"data": [{"id": model, "name": "Seedream 4.5"}]}
    hosts = {"id": model, "endpoints": [{"pricing": [line(0.25)]}]}
    with ProviderServer([answer(listed), answer(hosts)]) as server:
        options = {"store": tmp_path / "prices.sqlite", "keys": {"openrouter": KEY}, "clock": InstantClock()}
        cloud = OpenRouter(f"{server.origin}/api/v1")
        with open_studio(cloud, **options) as studio:
            name = f"openrouter:{model}"
            assert repr(studio.estimate(name, 2)) == "$0.08", "the shipped price"
            studio.refresh_models("openrouter")
            assert repr(studio.estimate(name, 2)) == "$0.50"
            price = studio._core.registry.find(name)[1].price
            assert (price.day, price.source) == (
                "2026-01-01",
                f"{server.origin}/api/v1/images/models/{model}/endpoints",
            )
            assert "$0.25 / image" in repr(studio.models("openrouter"))
            studio.budget = 0.3
            with pytest.raises(OverBudget):
                studio.generate("a fox", model=name, n=2)
        with open_studio(cloud, **options) as studio:
            assert repr(studio.estimate(name, 2)) == "$0.50", "the list is kept"
            server.script = [answer(listed), answer({"endpoints": [{"pricing": [line("NaN")]}]})]
            studio.refresh_models("openrouter")
            assert repr(studio.estimate(name, 2)) == "$0.08", "an odd price leaves the shipped one"


def line(cost):
    return {"billable": "output_image", "unit": "image", "cost_usd": cost}
