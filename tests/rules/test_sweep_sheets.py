"""Sheets of sweeps: which axis stands where, what is said of a cell, and how many bytes a sheet takes."""

from __future__ import annotations

import math
from html.parser import HTMLParser

import pytest

from imgplay_widget._rules.sheets import MAX_HTML, MAX_TEXT, Tile
from imgplay_widget._rules.sweep_sheets import (
    MOST_COLUMNS,
    MOST_IMAGES,
    LabelledAxis,
    html_sweep,
    share_in_sweep,
    sweep_details,
    sweep_end_line,
    sweep_progress_line,
    sweep_sheet,
    text_sweep,
    with_reasons,
)
from imgplay_widget._types import Stage
from imgplay_widget.errors import Moderated
from tests.rules.test_sheets import entry_of, failed

ANIMALS = LabelledAxis("animal", ("fox", "bear", "owl"))
STYLES = LabelledAxis("style", ("oil", "ink"))
SEEDS = LabelledAxis("seed", ("0", "1", "2", "3"))


def tile(id, tone="image", words=""):
    return Tile(id=id, tone=tone, words=words, alt="Image 1: a fox", caption=("seed 7",), shape=(1, 1))


def cells_of(axes, *, n=1):
    total = math.prod(len(axis.labels) for axis in axes)
    return [[tile(f"{cell}-{slot}") for slot in range(n)] for cell in range(total)]


def sheet_of(*axes, n=1, changed=None, **options):
    cells = cells_of(axes, n=n)
    for index, tiles in (changed or {}).items():
        cells[index] = tiles
    return sweep_sheet("a {animal} in {style}", axes, cells, **options)


def ids(facet):
    return [[cell.tiles[0].id for cell in row] for row in facet.rows]


class Read(HTMLParser):
    """What a screen reader finds: heads with their scopes, descriptions of images; and elements left open."""

    def __init__(self, html):
        super().__init__()
        self.heads, self.alts, self.titles, self.words, self.open = [], [], [], [], []
        self._head = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "th":
            self._head = found["scope"]
        if tag == "img":
            self.alts.append(found["alt"])
            return
        self.open.append(tag)
        if "title" in found:
            self.titles.append(found["title"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag == "th":
            self._head = None

    def handle_data(self, data):
        self.words.append(data)
        if self._head is not None:
            self.heads.append((self._head, data))


# ------------------------------------------------------------------ which axis stands where


def test_two_axes_are_rows_and_columns_and_the_longer_one_goes_down():
    (facet,) = sheet_of(ANIMALS, STYLES).facets
    assert (facet.down, facet.across) == (ANIMALS, STYLES)
    assert ids(facet) == [["0-0", "1-0"], ["2-0", "3-0"], ["4-0", "5-0"]]
    (facet,) = sheet_of(STYLES, ANIMALS).facets
    assert (facet.down, facet.across) == (ANIMALS, STYLES)
    assert ids(facet) == [["0-0", "3-0"], ["1-0", "4-0"], ["2-0", "5-0"]]


def test_of_two_axes_of_the_same_length_the_first_one_goes_down():
    styles = LabelledAxis("style", ("oil", "ink", "chalk"))
    (facet,) = sheet_of(ANIMALS, styles).facets
    assert facet.down == ANIMALS


def test_labels_that_are_hard_to_read_across_go_down():
    long = LabelledAxis("style", ("oil on canvas, in the manner of no painter at all", "ink"))
    (facet,) = sheet_of(ANIMALS, long).facets
    assert (facet.down, facet.across) == (long, ANIMALS)


def test_each_further_axis_is_a_facet_with_its_own_heading():
    models = LabelledAxis("model", ("Demo", "Slow demo"))
    sheet = sheet_of(ANIMALS, STYLES, SEEDS, models)
    assert [facet.heading for facet in sheet.facets][:3] == [
        "seed = 0 · model = Demo",
        "seed = 0 · model = Slow demo",
        "seed = 1 · model = Demo",
    ]
    # The last axis is the fastest one: animal 0, style 1, seed 1, model 0.
    assert sheet.facets[2].rows[0][1].tiles[0].id == f"{(0 * 2 + 1) * 8 + 1 * 2}-0"
    assert sheet.facets[2].rows[0][1].label == "fox, ink, 1, Demo"


def test_one_axis_is_a_strip_and_an_axis_of_one_value_is_said_once():
    sheet = sheet_of(SEEDS, LabelledAxis("style", ("oil",)), details=("4 images",))
    (facet,) = sheet.facets
    assert facet.down is None
    assert facet.across == SEEDS
    assert sheet.details == ("style = oil", "4 images")
    html = html_sweep(sheet, {})
    assert html.count("<figcaption") == 4
    assert "<table" not in html


def test_the_rows_of_a_frame_are_a_list_with_a_label_each():
    rows = LabelledAxis("", ("animal = fox, style = oil", "animal = owl, style = ink"))
    text = text_sweep(sheet_of(rows))
    assert "✓ animal = owl, style = ink" in text
    assert "animal = fox, style = oil</figcaption>" in html_sweep(sheet_of(rows), {})


def test_a_sweep_of_one_request_has_no_label():
    sheet = sheet_of(LabelledAxis("style", ("oil",)))
    assert [cell.tiles[0].id for cell in sheet.cells] == ["0-0"]
    assert "<figcaption" not in html_sweep(sheet, {})


# ------------------------------------------------------------------ what is said


def test_a_screen_reader_reads_the_values_of_each_image():
    pictures = {f"{index}-0": ("image/webp", b"x") for index in range(6)}
    read = Read(html_sweep(sheet_of(ANIMALS, STYLES), pictures))
    assert read.heads == [
        ("colgroup", "style"),
        ("col", "oil"),
        ("col", "ink"),
        ("row", "fox"),
        ("row", "bear"),
        ("row", "owl"),
    ]
    assert read.alts == ["fox, oil", "fox, ink", "bear, oil", "bear, ink", "owl, oil", "owl, ink"]
    assert read.open == []


def test_several_images_of_a_cell_have_their_numbers():
    pictures = {"0-0": ("image/webp", b"x")}
    sheet = sheet_of(ANIMALS, STYLES, n=2, changed={1: [tile("a")]})
    assert Read(html_sweep(sheet, pictures)).alts == ["fox, oil, image 1"]
    assert "✓✓" in text_sweep(sheet)


def test_a_cell_without_an_image_says_why_and_the_errors_stand_below():
    changed = {
        0: [tile("a", "running", "Running, 42%")],
        1: [tile("b", "running", "Waiting")],
        2: [tile("c", "error", "The prompt was refused. Change it.")],
        3: [tile("d", "error", "Cancelled")],
        4: [],
    }
    sheet = sheet_of(ANIMALS, STYLES, changed=changed, part=0.5)
    read = Read(html_sweep(sheet, {"5-0": ("image/webp", b"x")}))
    for words in ("Running, 42%", "Waiting", "Failed", "Cancelled", "Deleted"):
        assert words in read.words
    assert "bear, oil: The prompt was refused. Change it." in read.titles
    assert sheet.notes == ("1 failed: The prompt was refused. Change it.",)
    assert "width:50%" in html_sweep(sheet, {})
    text = text_sweep(sheet).splitlines()
    assert text[1:] == [
        "animal / style  oil  ink",
        "fox             …    …",
        "bear            ✗    ⊘",
        "owl             –    ✓",
        "",
        "✓ image  … running  ✗ failed  ⊘ cancelled  – deleted",
        "1 failed: The prompt was refused. Change it.",
    ]


def test_an_image_that_is_not_drawn_says_why():
    sheet = with_reasons(sheet_of(ANIMALS, STYLES), {"3-0": "The image is damaged."})
    assert "The image is damaged." in Read(html_sweep(sheet, {})).words
    assert [one.tone for one in sheet.tiles].count("hidden") == 1


def test_labels_are_escaped_and_shortened_with_their_full_text():
    long = "oil on canvas, " * 12
    sheet = sheet_of(ANIMALS, LabelledAxis("<b>", (long, '<i onclick="x">')), details=("<u>",))
    html = html_sweep(sheet, {"0-0": ("image/webp", b"x")})
    for tag in ("<b>", "<i ", "<u>"):
        assert tag not in html
    read = Read(html)
    assert long.strip() in read.titles
    assert ("row", "oil on canvas, oil on canvas, oil on canvas, oi…") in read.heads


def test_letters_of_chinese_stand_in_columns():
    lines = text_sweep(
        sheet_of(LabelledAxis("动物", ("狐狸", "熊")), LabelledAxis("风格", ("水彩", "油画")))
    ).splitlines()
    assert lines[1:4] == ["动物 / 风格  水彩  油画", "狐狸         ✓     ✓", "熊           ✓     ✓"]


# ------------------------------------------------------------------ size


@pytest.mark.parametrize("n", [1, 4, 10])
@pytest.mark.parametrize("sizes", [(3, 3), (20, 10), (100, 100), (40,), (5000,), (4, 3, 9), (30, 30, 3)])
def test_every_sweep_fits_into_a_notebook(sizes, n):
    axes = [
        LabelledAxis(f"axis {index}", tuple(f"{'值' * 60} {one}" for one in range(size)))
        for index, size in enumerate(sizes)
    ]
    refused = tile("x", "error", "Ein Fehler " * 29)
    sheet = sheet_of(*axes, n=n, changed={2: [refused] * n})
    share = share_in_sweep(sheet, steady=False)
    assert share > 300
    pictures = {one.id: ("image/webp", b"x" * share) for one in sheet.tiles if one.tone == "image"}
    assert len(html_sweep(sheet, pictures).encode()) <= MAX_HTML
    assert len(text_sweep(sheet).encode()) <= MAX_TEXT
    # The steady share of a display that changes may be smaller, and never larger than the room.
    steady = {name: ("image/webp", b"x" * share_in_sweep(sheet, steady=True)) for name in pictures}
    assert len(html_sweep(sheet, steady).encode()) <= MAX_HTML


def test_what_is_not_drawn_is_counted_after_whole_rows():
    wide = LabelledAxis("guidance", tuple(str(one / 2) for one in range(10)))
    sheet = sheet_of(LabelledAxis("animal", tuple(map(str, range(20)))), wide)
    (facet,) = sheet.facets
    assert {len(row) for row in facet.rows} == {10}
    assert len(sheet.tiles) <= MOST_IMAGES
    assert sheet.notes == (f"and {200 - len(sheet.tiles)} more images",)
    both = sheet_of(
        LabelledAxis("a", tuple(map(str, range(100)))), LabelledAxis("b", tuple(map(str, range(100))))
    )
    assert len(both.facets[0].across.labels) == MOST_COLUMNS
    assert both.notes == (f"and {10_000 - len(both.tiles):,} more images",)


def test_a_picture_of_the_whole_sweep_leaves_nothing_out():
    sheet = sheet_of(
        LabelledAxis("a", tuple(map(str, range(100)))),
        LabelledAxis("b", tuple(map(str, range(30)))),
        n=5,
        most=None,
    )
    assert len(sheet.tiles) == 15_000
    assert sheet.notes == ()


def test_the_steady_share_does_not_depend_on_what_is_there():
    waiting = {index: [tile(f"{index}-0", "running", "Waiting")] for index in range(6)}
    before, after = sheet_of(ANIMALS, STYLES, changed=waiting), sheet_of(ANIMALS, STYLES)
    assert share_in_sweep(before, steady=True) == share_in_sweep(after, steady=True)


# ------------------------------------------------------------------ lines


def rows_of(*entries):
    return [(entry, one) for entry in entries for one in entry.generations]


def test_the_lines_of_a_sweep():
    done, running, refused = (
        entry_of(2),
        entry_of(1, stage=Stage.PROCESSING, cost=None),
        failed(Moderated("No.")),
    )
    rows = rows_of(done, running, refused)
    assert sweep_details(rows) == ("demo:slow", "2 images, 1 failed, 1 running", "$0.08")
    assert sweep_progress_line("a {animal}", rows) == "3/4 · a {animal}"
    refusal = [[tile("a", "error", "No. Change the prompt.")]]
    assert sweep_end_line(rows, refusal).startswith("2 images, 1 failed, 1 running")
    assert sweep_end_line(rows, refusal).endswith(" · $0.08 · 1 failed: No. Change the prompt.")
