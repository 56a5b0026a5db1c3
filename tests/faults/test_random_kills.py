"""One kernel after the other is killed at a random point, whatever runs at that moment."""

from __future__ import annotations

import os
from collections import Counter
from random import Random

from tests.faults.child import POINTS, outcomes
from tests.faults.conftest import assert_whole, next_start, rows
from tests.faults.soak import Soak

ROUNDS = int(os.environ.get("IMGPLAY_KILLS", "5"))
MODELS = ["image", "sheet", "queue", "queue-sheet", "keyed", "keyed-sheet"]


def test_a_history_of_kills_loses_nothing_and_pays_nothing_twice(start, store, server):
    random = Random(ROUNDS)
    for number in range(ROUNDS):
        child = start()
        point, count = random.choice(sorted(POINTS)), random.randint(1, 12)
        child.ask("arm", point=point, count=count)
        for model in random.sample(MODELS, 4):
            child.tell("generate", prompts=[f"fox {number} {model}"], model=model, n=random.randint(1, 4))
            if not child.lives():
                break
        else:
            child.tell("wait")
            if child.lives():
                child.kill()
    with next_start(store, server) as studio:
        found = outcomes(studio)
        prompts = {batch.prompt for batch in studio.batches(studio.topics[0], limit=1000)}
    assert {submit.prompt for submit in server.submits} <= prompts
    codes = Counter(code for batch in found for code in batch)
    assert set(codes) <= {"success", "uncertain"}
    assert codes["success"] > codes["uncertain"]
    once = [submit for submit in server.submits if "keyed" not in submit.prompt]
    assert max(Counter((s.prompt, s.positions) for s in once).values()) == 1
    assert server.billed == len(server.per_unit())
    booked = dict(rows(store, "SELECT call_key, basis FROM image_spending"))
    sent = {submit.key for submit in server.submits}
    # A kernel may die between the intent to send and the call, so an uncertain line needs no call.
    assert sent <= booked.keys()
    assert {basis for key, basis in booked.items() if key not in sent} <= {"uncertain"}
    stored = rows(
        store, "SELECT async_task_id, asset_digest FROM image_generations WHERE asset_digest NOT NULL"
    )
    assert all(digest in server.digests(task) for task, digest in stored)
    assert_whole(store)


def test_three_kernels_that_are_killed_while_users_work_lose_nothing(store, server):
    tally = Soak(store, server, seed=ROUNDS).run(kills=ROUNDS)
    assert tally.faults() == {}
    assert tally.seen["kills"] >= ROUNDS
    assert tally.seen["posts"] > 0
