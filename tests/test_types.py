"""The values that are stored as JSON come back whole."""

from __future__ import annotations

import asyncio
import json

from imgplay_widget._types import Pending, Reference, Unit
from imgplay_widget.providers.demo import Demo

PICTURE = Reference(digest="ab" * 32, media_type="image/png", width=64, height=48)
UNIT = Unit(
    model="queue",
    prompt="a paper boat",
    params={"seconds": 1, "size": "auto"},
    positions=(2, 3),
    seeds=(7, None),
    references=(PICTURE,),
    mask=PICTURE,
    previews=True,
    key="unit-1",
)


def test_a_unit_comes_back_from_json_as_it_was() -> None:
    assert Unit.from_json(json.loads(json.dumps(UNIT.to_json()))) == UNIT


def test_a_unit_of_an_older_version_has_neither_mask_nor_previews() -> None:
    data = UNIT.to_json()
    del data["mask"], data["previews"]
    old = Unit.from_json(data)
    assert (old.mask, old.previews) == (None, False)


def test_the_ticket_of_the_demo_keeps_the_whole_unit() -> None:
    answer = asyncio.run(Demo().submit(UNIT, None))  # type: ignore[arg-type]
    assert isinstance(answer, Pending)
    assert Unit.from_json(answer.ticket["unit"]) == UNIT
