"""Contact sheets: what they say, and how many bytes they take."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from imgplay_widget._rules.costs import image_cost
from imgplay_widget._rules.sheets import (
    MAX_HTML,
    MAX_TEXT,
    MAX_TILES,
    batch_sheet,
    bounded,
    html_sheet,
    images_sheet,
    progress_sheet,
    share_of,
    text_sheet,
    topics_sheet,
)
from imgplay_widget._types import Asset, Batch, Entry, Generation, Stage, Topic
from imgplay_widget.errors import ErrorInfo, ImgplayError, Moderated
from tests.rules.test_lifecycle import new_task

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def entry_of(n=2, *, prompt="a red fox", cost="0.08", stage=Stage.SUCCESS, error=None):
    task = replace(new_task(), stage=stage, cost=cost, error=error)
    batch = Batch(
        id="batch",
        topic_id="topic",
        user_id="me",
        organization_id=None,
        provider="demo",
        model="slow",
        prompt=prompt,
        config={"n": n},
        width=640,
        height=480,
        created_at=NOW,
    )
    asset = Asset(
        digest="d" * 64,
        url="originals/d.png",
        thumbnail_url="thumbnails/d.webp",
        width=640,
        height=480,
        media_type="image/png",
        size=1000,
    )
    generations = tuple(
        Generation(
            id=f"g{index}",
            batch_id="batch",
            user_id="me",
            async_task_id=task.id,
            position=index,
            seed=7 + index,
            asset=asset if stage is Stage.SUCCESS else None,
            error=None,
            applied={},
            starred=False,
            parent_id=None,
            created_at=NOW,
        )
        for index in range(n)
    )
    return Entry(batch=batch, generations=generations, tasks=(task,))


def failed(error: ImgplayError) -> Entry:
    info: ErrorInfo = error.info
    return entry_of(1, stage=Stage.ERROR, error=info, cost=None)


def test_a_batch_shows_prompt_model_seeds_and_cost():
    sheet = batch_sheet(entry_of())
    assert sheet.title == "a red fox"
    assert sheet.details == ("demo:slow", "2 images", "$0.08")
    assert [tile.caption for tile in sheet.tiles] == [("seed 7", "$0.04"), ("seed 8", "$0.04")]
    assert sheet.tiles[0].alt == "Image 1: a red fox"


def test_images_of_several_batches_each_have_their_prompt_and_model():
    one, two = entry_of(1), entry_of(1, prompt="a blue fox", cost=None)
    sheet = images_sheet("2 images", [(one, one.generations[0]), (two, two.generations[0])])
    assert sheet.tiles[0].caption == ("a red fox", "demo:slow", "seed 7", "$0.08")
    assert sheet.tiles[1].caption == ("a blue fox", "demo:slow", "seed 7")


@pytest.mark.parametrize(
    ("stage", "words"),
    [(Stage.PENDING, "Waiting"), (Stage.PROCESSING, "Running"), (Stage.CANCELLED, "Cancelled")],
)
def test_a_slot_without_an_image_says_why(stage, words):
    assert [tile.words for tile in batch_sheet(entry_of(1, stage=stage)).tiles] == [words]


def test_a_running_slot_says_how_far_it_is():
    running = entry_of(2, stage=Stage.PROCESSING)
    sheet = batch_sheet(running, waits={"g0": 4.6}, progress={"g0": 0.1, "g1": 0.42})
    assert [tile.words for tile in sheet.tiles] == ["Rate limited, next try in 5 s", "Running, 42%"]


def test_an_error_has_its_next_step_and_no_file_path():
    error = Moderated(
        "The prompt was refused: see /srv/data/me/log.txt.", next_step="Read https://x.example/a/b."
    )
    (tile,) = batch_sheet(failed(error)).tiles
    assert tile.tone == "error"
    assert tile.words == "The prompt was refused: see log.txt. Read https://x.example/a/b."


def test_a_cost_is_shared_by_the_images_of_its_call():
    entry = entry_of(4, cost="0.1")
    assert sum(image_cost(entry, one) for one in entry.generations) == Decimal("0.1")
    assert image_cost(entry_of(1, cost=None), entry_of(1).generations[0]) is None


def test_a_price_stands_in_for_a_cost_that_the_provider_does_not_say():
    entry = entry_of(2, cost=None)
    (task,) = entry.tasks
    unit = replace(task.unit, positions=(0, 1), seeds=(None, None))
    entry = replace(entry, tasks=(replace(task, unit=unit, estimate="0.08"),))
    sheet = batch_sheet(entry)
    assert sheet.details == ("demo:slow", "2 images", "≈ $0.08")
    assert [tile.caption[-1] for tile in sheet.tiles] == ["≈ $0.04", "≈ $0.04"]
    # The price of a model on this machine is no news, and a cost that was told is no estimate.
    free = replace(entry, tasks=(replace(task, estimate="0"),))
    assert batch_sheet(free).details == ("demo:slow", "2 images")
    told = replace(entry, tasks=(replace(task, unit=unit, estimate="0.08", cost="0.06"),))
    assert batch_sheet(told).details == ("demo:slow", "2 images", "$0.06")


def test_the_progress_is_a_bar_and_small_tiles():
    running = entry_of(2, prompt="a red fox", stage=Stage.PROCESSING)
    sheet = progress_sheet(running, waits={}, progress={"g0": 0.5})
    html = html_sheet(sheet, {})
    assert sheet.title == "0/2 · a red fox"
    assert "width:25%" in html
    assert "Running, 50%" in html
    assert "seed" not in html


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.alts = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag == "img":
            self.alts.append(dict(attrs)["alt"])


def test_words_of_a_user_are_never_html():
    evil = '<script>alert(1)</script>" onerror="x\' <b>'
    read = Tags()
    read.feed(html_sheet(batch_sheet(entry_of(2, prompt=evil)), {"g0": ("image/webp", b"x")}))
    assert set(read.tags) == {"div", "figure", "img", "figcaption"}
    assert read.alts == [f"Image 1: {evil}"]


@pytest.mark.parametrize("prompt", ["a fox", "狐" * 4000, '"&<' * 2000])
@pytest.mark.parametrize("n", [1, 4, 64, 1000])
def test_a_sheet_leaves_room_for_its_pictures(prompt, n):
    entry = entry_of(n, prompt=prompt)
    for full in (batch_sheet(entry), images_sheet(prompt, [(entry, one) for one in entry.generations])):
        sheet = bounded(full)
        share = share_of(sheet, len(sheet.tiles))
        assert share > 900
        pictures = {tile.id: ("image/webp", b"x" * share) for tile in sheet.tiles}
        assert len(html_sheet(sheet, pictures).encode()) <= MAX_HTML
        assert len(text_sheet(sheet).encode()) <= MAX_TEXT
        assert len(sheet.tiles) + sheet.more == n


def test_a_hundred_images_are_some_tiles_and_a_number():
    sheet = batch_sheet(entry_of(100))
    assert len(sheet.tiles) == MAX_TILES
    assert f"and {100 - MAX_TILES} more" in html_sheet(sheet, {})
    assert f"and {100 - MAX_TILES} more" in text_sheet(sheet)


def test_topics_show_covers_titles_and_numbers():
    topic = Topic(
        id="t",
        user_id="me",
        organization_id=None,
        title="Foxes",
        cover_url="covers/t.webp",
        created_at=NOW,
        updated_at=NOW,
        images=12,
        running=1,
    )
    bare = replace(topic, id="u", title=None, cover_url=None)
    sheet = topics_sheet([topic, bare], {"t"})
    assert sheet.title == "2 topics"
    assert sheet.tiles[0].caption == ("Foxes", "12 images", "1 running")
    assert [tile.words for tile in sheet.tiles] == ["", "No image yet"]
