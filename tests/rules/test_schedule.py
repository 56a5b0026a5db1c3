"""The times at which the engine asks a provider for a job."""

from __future__ import annotations

import math
from random import Random

import pytest

from imgplay_widget._rules.schedule import Schedule, pause, usual


class NoJitter(Random):
    def uniform(self, a, b):
        return 0.0


@pytest.mark.parametrize(
    ("durations", "seconds"),
    [
        ([], None),
        ([8.0] * 4, None),
        ([30.0, 8.0, 9.0, 2.0, 10.0], 9.0),
        ([4.0, 1.0, 2.0, 3.0, 5.0, 90.0], 3.5),
    ],
)
def test_a_model_usually_takes_the_median_of_five_durations_or_more(durations, seconds):
    assert usual(durations) == seconds


def test_without_history_the_waits_grow_to_five_seconds():
    schedule = Schedule([], NoJitter())
    waits = [schedule.wait(0.0) for _ in range(9)]
    assert waits[:3] == [0.5, 0.75, 1.125]
    assert waits[-1] == 5.0
    assert waits == sorted(waits)


def test_with_five_durations_the_first_question_comes_at_their_fifth_percentile():
    schedule = Schedule([8.0, 9.0, 10.0, 11.0, 12.0], NoJitter())
    assert schedule.wait(1.0) == pytest.approx(7.0)
    assert schedule.wait(8.0) == pytest.approx(0.26 * math.sqrt(10.0))


def test_four_durations_are_no_history():
    assert Schedule([8.0] * 4, NoJitter()).wait(0.0) == 0.5


@pytest.mark.parametrize(("durations", "gap"), [([0.01] * 5, 0.1), ([10_000.0] * 5, 10.0)])
def test_the_learned_gap_is_clamped(durations, gap):
    schedule = Schedule(durations, NoJitter())
    schedule.wait(0.0)
    assert schedule.wait(0.0) == gap


def test_the_provider_is_never_asked_earlier_than_it_said():
    assert Schedule([], NoJitter()).wait(0.0, retry_after=30.0) == 30.0
    assert Schedule([], NoJitter()).wait(0.0, retry_after=0.1) == 0.5


def test_jitter_moves_the_wait_by_a_tenth_at_most():
    waits = {Schedule([], Random(i)).wait(0.0) for i in range(50)}
    assert len(waits) > 40
    assert all(0.45 <= wait <= 0.55 for wait in waits)


@pytest.mark.parametrize("durations", [[], [8.0] * 5])
def test_the_waits_stay_the_same_through_a_day_of_questions(durations):
    schedule = Schedule(durations, NoJitter())
    waits = [schedule.wait(0.0) for _ in range(24 * 3600)]
    assert set(waits[20:]) == {0.26 * math.sqrt(8.0) if durations else 5.0}


def test_a_client_that_counts_nothing_asks_at_the_same_times():
    schedule, elapsed = Schedule([], NoJitter()), 0.0
    for _ in range(12):
        wait = pause([], elapsed)
        assert wait == pytest.approx(schedule.wait(elapsed))
        elapsed += wait


def test_such_a_client_asks_first_at_the_fifth_percentile_and_then_in_the_learned_gap():
    durations = [8.0, 9.0, 10.0, 11.0, 12.0]
    assert pause(durations, 1.0) == pytest.approx(7.0)
    assert pause(durations, 8.0) == pytest.approx(0.26 * math.sqrt(10.0))
    assert pause(durations, 8.0, retry_after=30.0) == 30.0
