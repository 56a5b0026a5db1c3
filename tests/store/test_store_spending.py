"""The ledger: each call is booked once, however it ends, and stays booked."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from store_makers import (
    NOW,
    SOON,
    add_batch,
    delete,
    entry_of,
    make_batch,
    make_png,
    make_topic,
    purge,
    receive,
    succeed,
)

from imgplay_widget._rules import lifecycle as life
from imgplay_widget._rules.attempts import next_attempt
from imgplay_widget._rules.costs import Budget, booking, budget_of, day_start, moment_of, to_units
from imgplay_widget._text import money
from imgplay_widget._types import Estimate, Stage
from imgplay_widget.errors import (
    BadResponse,
    Cancelled,
    DeadlineExceeded,
    InvalidRequest,
    Moderated,
    OverBudget,
    PriceUnknown,
    RateLimited,
    ServerError,
    Uncertain,
)

CENTS = Decimal("0.04")
COST = Estimate(expected=CENTS, least=CENTS, most=CENTS)


@pytest.fixture
def registered(store):
    store.register("me")
    return store


def add(store, n=1, *, estimate="0.04", topic=None, **options):
    fresh = topic or make_topic()
    batch, generations, tasks = make_batch(fresh, n, **options)
    tasks = [replace(task, estimate=estimate) for task in tasks]
    add_batch(store, batch, generations, tasks, new_topic=None if topic else fresh)
    return batch, generations, tasks


def sent(store, task):
    changed = life.advance(task, life.Send(), NOW)
    assert store.save_task(changed, owner="me")
    return changed


def done(store, generations, task, *, cost=None):
    images = [receive(store, generation, make_png()) for generation in generations]
    changed = life.advance(life.advance(task, life.Send(), NOW), life.Succeed(cost=cost), NOW)
    assert store.finish_task(changed, images, {}, owner="me") is not None
    return changed


def retried(store, generations, task):
    fresh = next_attempt(task, generations, NOW, estimate=lambda _: COST)
    fresh = replace(fresh, lease_owner="me", lease_until=SOON)
    assert fresh in store.replace_tasks({task.id: fresh}).tasks
    return fresh


def test_what_the_provider_says_goes_before_the_price(registered):
    _, generations, tasks = add(registered, 2)
    done(registered, generations[:1], tasks[0], cost="0.0387425")
    done(registered, generations[1:], tasks[1])
    spent = registered.spent()
    assert (spent.usd, spent.images, spent.unknown) == (Decimal("0.0787425"), 2, 0)
    assert (spent.estimated, spent.uncertain) == (CENTS, Decimal(0))
    assert list(spent.by_model) == ["demo:paint"]


def test_an_unknown_cost_is_counted_and_not_taken_for_nothing(registered):
    _, generations, tasks = add(registered, 3, estimate=None)
    for generation, task, cost in zip(generations, tasks, (None, "free?", "NaN"), strict=True):
        done(registered, [generation], task, cost=cost)
    spent = registered.spent()
    assert (spent.usd, spent.images, spent.unknown) == (Decimal(0), 3, 3)
    assert "3 of unknown cost" in repr(spent)
    assert "$" not in repr(spent)


def test_the_price_counts_for_the_images_that_came(registered):
    _, generations, (task,) = add(registered, 4, one_task=True, estimate="0.16")
    done(registered, generations[:3], task)
    assert registered.spent().usd == Decimal("0.12")
    assert registered.spent().images == 3


def test_the_same_end_saved_twice_is_booked_once(registered):
    _, generations, (task,) = add(registered)
    ended = done(registered, generations, task, cost="0.05")
    assert not registered.save_task(ended, owner="me")
    image = receive(registered, generations[0], make_png())
    assert registered.finish_task(ended, [image], {}, owner="me") is None
    assert registered.spent().usd == Decimal("0.05")


def test_an_end_that_is_not_saved_is_not_booked(registered):
    _, _, (task,) = add(registered)
    assert not registered.save_task(succeed(task), owner="other")
    assert registered.spent().images == 0


def test_deleting_and_purging_keep_the_sum(registered):
    batch, generations, (task,) = add(registered)
    done(registered, generations, task, cost="0.05")
    delete(registered, "topic", batch.topic_id)
    purge(registered)
    assert registered.entry(batch.id) is None
    assert registered.spent().usd == Decimal("0.05")
    assert registered.spent(topic_id=batch.topic_id).usd == Decimal("0.05")


def test_a_retry_is_booked_beside_what_failed_and_was_billed(registered):
    batch, generations, (task,) = add(registered)
    failed = life.advance(sent(registered, task), life.Fail(Moderated("No.").info, "0.03"), NOW)
    assert failed.cost == "0.03"
    registered.finish_task(failed, (), {}, owner="me")
    done(registered, generations, retried(registered, generations, failed), cost="0.05")
    assert registered.spent().usd == Decimal("0.08")
    assert registered.spent(topic_id=batch.topic_id).images == 2


def test_a_job_that_is_asked_for_again_is_booked_once(registered):
    _, generations, (task,) = add(registered)
    accepted = life.advance(sent(registered, task), life.Accept({"job": "1"}), NOW)
    registered.save_task(accepted, owner="me")
    late = life.advance(accepted, life.Fail(DeadlineExceeded("late").info), NOW)
    registered.finish_task(late, (), {}, owner="me")
    assert registered.spent().uncertain == CENTS
    fresh = retried(registered, generations, late)
    assert fresh.stage is Stage.PROCESSING
    image = receive(registered, generations[0], make_png())
    registered.finish_task(life.advance(fresh, life.Succeed(cost="0.05"), NOW), [image], {}, owner="me")
    spent = registered.spent()
    assert (spent.usd, spent.uncertain, spent.images) == (Decimal("0.05"), Decimal(0), 1)


def test_what_a_deletion_ends_is_booked_where_it_was_sent(registered):
    batch, _, (task,) = add(registered)
    _, _, (waiting,) = add(registered, topic=registered.topic(batch.topic_id))
    sent(registered, task)
    delete(registered, "topic", batch.topic_id)
    assert registered.tasks([waiting.id])[waiting.id].stage is Stage.CANCELLED
    spent = registered.spent()
    assert (spent.usd, spent.uncertain, spent.images) == (CENTS, CENTS, 1)
    assert "$0.04 perhaps not billed" in repr(spent)


def test_a_cost_goes_with_its_batch_to_another_topic(registered):
    batch, generations, (task,) = add(registered)
    done(registered, generations, task)
    other = make_topic("Owls")
    registered.move([batch.id], other.id, at=NOW, new_topic=other)
    assert registered.spent(topic_id=batch.topic_id).images == 0
    assert registered.spent(topic_id=other.id).usd == CENTS


def test_one_sees_only_what_one_has_spent_oneself(registered, open_store):
    _, generations, (task,) = add(registered)
    done(registered, generations, task)
    assert open_store(user_id="ann").spent().images == 0
    assert open_store(organization_id="acme").spent().images == 0


def test_only_what_was_spent_since_is_added(registered):
    _, generations, (task,) = add(registered)
    done(registered, generations, task)
    assert registered.spent(since=NOW).images == 1
    assert registered.spent(since=NOW + timedelta(microseconds=1)).images == 0


BILLED = [
    # The provider took the call, and its end is unknown.
    (Stage.SUBMITTING, life.Fail(Uncertain("?").info), "uncertain"),
    (Stage.SUBMITTING, life.Fail(BadResponse("?").info), "uncertain"),
    (Stage.SUBMITTING, life.Cancel(Cancelled("Stop.").info), "uncertain"),
    (Stage.PROCESSING, life.Cancel(Cancelled("Stop.").info), "uncertain"),
    (Stage.PROCESSING, life.Fail(DeadlineExceeded("late").info), "uncertain"),
    (Stage.SUBMITTING, life.Fail(DeadlineExceeded("late").info), "uncertain"),
    # The job failed after the provider took it. Some providers bill such a job.
    (Stage.PROCESSING, life.Fail(ServerError("broken").info), "uncertain"),
    # The call was not sent, or was refused. So no work was done that costs money.
    (Stage.PENDING, life.Cancel(Cancelled("Stop.").info), None),
    (Stage.SUBMITTING, life.Fail(RateLimited("busy").info), None),
    # The images were made, but they did not arrive.
    (Stage.DOWNLOADING, life.Fail(ServerError("broken").info), "estimated"),
    (Stage.DOWNLOADING, life.Cancel(Cancelled("Stop.").info), "estimated"),
    # The provider reported a cost all the same.
    (Stage.SUBMITTING, life.Fail(Moderated("No.").info, "0.01"), "told"),
]


@pytest.mark.parametrize(("before", "event", "basis"), BILLED)
def test_a_call_without_an_image_is_booked_as_far_as_it_may_be_billed(before, event, basis):
    task = replace(make_batch(make_topic())[2][0], stage=before, estimate="0.04")
    booked = booking(before, life.advance(task, event, NOW), 0)
    assert (booked and booked.basis) == basis
    if booked:
        assert booked.amount == to_units("0.01" if basis == "told" else "0.04")
        assert booked.images == 1


# ------------------------------------------------------------------ the budget


def test_a_request_over_the_budget_stores_nothing(registered):
    topic = make_topic()
    batch, generations, tasks = make_batch(topic, 3)
    tasks = [replace(task, estimate="0.04") for task in tasks]
    with pytest.raises(OverBudget, match=r"\$0\.12.*over the budget of \$0\.10 a day"):
        add_batch(
            registered,
            batch,
            generations,
            tasks,
            new_topic=topic,
            budget=Budget(limit=Decimal("0.10"), since=NOW - timedelta(days=1)),
        )
    assert registered.topics() == []
    add_batch(
        registered,
        batch,
        generations,
        tasks,
        new_topic=topic,
        budget=Budget(limit=Decimal("0.12"), since=NOW),
    )


def test_the_budget_allows_a_whole_click_or_nothing_of_it(registered):
    topic = make_topic()
    parts = [make_batch(topic, click_id="c1") for _ in range(3)]
    click = [entry_of(b, g, [replace(task, estimate="0.04") for task in tasks]) for b, g, tasks in parts]
    budget = Budget(limit=Decimal("0.11"), since=NOW)
    with pytest.raises(OverBudget, match=r"These 3 requests \(\$0\.12\) .*over the budget"):
        registered.add_batches(click, new_topic=topic, budget=budget)
    assert registered.topics() == []
    registered.add_batches(click[:2], new_topic=topic, budget=budget)


def test_what_runs_is_reserved_and_what_ended_is_spent(registered):
    budget = Budget(limit=Decimal("0.10"), since=NOW)
    _, generations, (task,) = add(registered)
    _, _, (more,) = make_batch(make_topic())
    registered.refuse_beyond([replace(more, estimate="0.06")], budget)
    with pytest.raises(OverBudget, match=r"Still running: \$0\.04"):
        registered.refuse_beyond([replace(more, estimate="0.07")], budget)
    done(registered, generations, task, cost="0.09")
    with pytest.raises(OverBudget, match=r"Spent today: \$0\.09"):
        registered.refuse_beyond([replace(more, estimate="0.06")], budget)
    tomorrow = replace(budget, since=NOW + timedelta(days=1))
    registered.refuse_beyond([replace(more, estimate="0.06")], tomorrow)
    # Calls that cost nothing pass, and calls of unknown cost with the user's consent.
    registered.refuse_beyond([replace(more, estimate="0")], budget)
    with pytest.raises(OverBudget):
        registered.refuse_beyond([replace(more, estimate="0.01", most="0.07")], budget)
    unknown = [replace(more, estimate=None), replace(more, estimate="0")]
    registered.refuse_beyond(unknown, replace(budget, confirmed=True))
    with pytest.raises(PriceUnknown, match="The price of"):
        registered.refuse_beyond(unknown, budget)


# ------------------------------------------------------------------ amounts and days


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("0.04", 40_000_000),
        ("0.0387425", 38_742_500),
        ("0", 0),
        ("", None),
        (None, None),
        ("-1", None),
        ("Infinity", None),
        ("1e30", None),
        ("4 cents", None),
    ],
)
def test_an_amount_is_kept_exactly_or_is_none(text, units):
    assert to_units(text) == units


@pytest.mark.parametrize(
    ("usd", "text"),
    [("0", "$0.00"), ("0.04", "$0.04"), ("1.5", "$1.50"), ("0.0387", "$0.0387"), ("0.00001", "<$0.0001")],
)
def test_amounts_for_people(usd, text):
    assert money(Decimal(usd)) == text


@pytest.mark.parametrize("value", [-1, "5", True, float("nan"), float("inf")])
def test_what_is_no_budget_is_refused(value):
    with pytest.raises(InvalidRequest, match="budget="):
        budget_of(value)


def test_a_day_begins_at_local_midnight(monkeypatch):
    import time

    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        evening = datetime(2026, 5, 4, 16, 30, tzinfo=UTC)
        assert day_start(evening) == datetime(2026, 5, 4, 16, 0, tzinfo=UTC)
        assert day_start(evening - timedelta(hours=1)) == datetime(2026, 5, 3, 16, 0, tzinfo=UTC)
        assert moment_of(date(2026, 5, 5)) == datetime(2026, 5, 4, 16, 0, tzinfo=UTC)
        assert moment_of(datetime(2026, 5, 5, 1, 0)) == datetime(2026, 5, 4, 17, 0, tzinfo=UTC)  # noqa: DTZ001
        assert moment_of(evening) == evening
    finally:
        monkeypatch.undo()
        time.tzset()


# ------------------------------------------------------------------ a history of before


def test_what_was_spent_before_there_was_a_ledger_is_booked(registered, open_store):
    batch, generations, tasks = add(registered, 3)
    done(registered, generations[:1], tasks[0], cost="0.05")
    done(registered, generations[1:2], tasks[1])
    failed = life.advance(sent(registered, tasks[2]), life.Fail(Moderated("No.").info, "0.03"), NOW)
    registered.finish_task(failed, (), {}, owner="me")
    lost = sent(registered, retried(registered, generations[2:], failed))
    registered.finish_task(life.advance(lost, life.Fail(Uncertain("?").info), NOW), (), {}, owner="me")
    connection = sqlite3.connect(registered.location)
    connection.execute("DROP TABLE image_spending")
    connection.execute("ALTER TABLE image_async_tasks DROP COLUMN estimate")
    connection.execute("DROP INDEX idx_topics_list")
    connection.execute("DROP INDEX idx_topics_title")
    connection.execute("ALTER TABLE image_generation_batches DROP COLUMN click_id")
    connection.execute("DROP INDEX idx_generations_starred")
    connection.execute("ALTER TABLE image_generations RENAME COLUMN starred TO favourite")
    connection.execute("CREATE INDEX idx_generations_favourite ON image_generations(favourite, batch_id)")
    connection.execute("DROP TABLE image_removals")
    connection.execute("DROP INDEX idx_references_generation")
    connection.execute("ALTER TABLE image_generation_references DROP COLUMN generation_id")
    connection.execute("DROP INDEX idx_batches_request")
    connection.execute("ALTER TABLE image_generation_batches DROP COLUMN request_digest")
    connection.execute("DROP TABLE image_scores")
    connection.execute("DROP TABLE image_tags")
    connection.execute("DROP TABLE image_sweep_cells")
    connection.execute("DROP INDEX idx_batches_sweep")
    connection.execute("ALTER TABLE image_generation_batches DROP COLUMN sweep_id")
    connection.execute("DROP TABLE image_sweeps")
    connection.execute("ALTER TABLE image_generation_batches DROP COLUMN action")
    connection.execute("DELETE FROM image_migrations WHERE number >= 5")
    connection.execute("UPDATE image_async_tasks SET provider = 'cloud'")
    connection.commit()
    connection.close()
    again_open = open_store()
    spent = again_open.spent(topic_id=batch.topic_id)
    assert (spent.usd, spent.images, spent.unknown) == (Decimal("0.08"), 4, 2)
    assert list(spent.by_model) == ["cloud:paint"]
    assert again_open.today(NOW).spent == Decimal("0.08")
