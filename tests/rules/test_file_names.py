"""The names of saved images: what a pattern may say, and what every file system takes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imgplay_widget._rules.file_names import PATTERN, file_names
from imgplay_widget.errors import InvalidRequest
from tests.rules.test_sheets import entry_of


def named(pattern=PATTERN, *, n=2, prompt="a red fox", media_type="image/png", seed=7):
    entry = entry_of(n, prompt=prompt)
    images = [
        replace(
            one,
            seed=None if seed is None else seed + index,
            asset=replace(one.asset, media_type=media_type),
        )
        for index, one in enumerate(entry.generations)
    ]
    return file_names(pattern, [(entry, one) for one in images])


def test_a_name_has_the_slot_the_seed_and_the_prompt():
    assert named() == ["00-7-a-red-fox.png", "01-8-a-red-fox.png"]
    assert named(media_type="image/jpeg", n=1) == ["00-7-a-red-fox.jpg"]
    assert named(seed=None, n=1) == ["00-no-seed-a-red-fox.png"]
    assert named("{model} {width}x{height} {id}", n=1) == ["demo-slow 640x480 g0.png"]
    assert named("{index}.png", n=1) == ["0.png"]
    assert named("{{{index}}}", n=1) == ["-0.png"]


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("../../etc/passwd", "etc-passwd.png"),
        ('a:b*c?d"e<f>g|h\\i', "a-b-c-d-e-f-g-h-i.png"),
        ("two\nlines\tand\x00more", "two-lines-and-more.png"),
        ("雪の狐", "雪の狐.png"),
        ("हिन्दी", "हिन्दी.png"),
        ("CON", "_CON.png"),
        ("half \ud83d emoji", "half-emoji.png"),
    ],
    ids=ascii,
)
def test_no_prompt_leads_out_of_the_folder_or_breaks_a_name(prompt, name):
    assert named("{prompt}", n=1, prompt=prompt) == [name]


def test_a_long_prompt_is_cut_off_between_two_characters():
    (name,) = named("{prompt}", n=1, prompt="狐" * 300)
    assert len(name.encode()) <= 255
    assert set(name.removesuffix(".png")) == {"狐"}


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("{index", "cannot be read"),
        ("{}", "has the word {}"),
        ("{0}", "has the word {0}"),
        ("{colour}", "The words in braces are index, seed, prompt"),
        ("{prompt.__class__}", "has the word {prompt.__class__}"),
        ("{index:{depth}}", "has the word {depth}"),
        ("{prompt:d}", "does not fit image 0"),
        ("{index:02q}", "does not fit image 0"),
        ("{index}/{seed}", "separator of folders"),
        ("{index}\\{seed}", "separator of folders"),
        ("{prompt}", "gives images 0 and 1 the same name"),
        ("", "an empty name"),
        (" . ", "an empty name"),
        (7, "is not text"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_explained(pattern, says):
    with pytest.raises(InvalidRequest) as refused:
        named(pattern)
    assert says in f"{refused.value.message} {refused.value.next_step}"
    assert refused.value.message.endswith("No file was written.")


def test_names_that_differ_in_their_case_only_are_the_same():
    entry = entry_of(2)
    images = [replace(one, id=name) for one, name in zip(entry.generations, ("a", "A"), strict=True)]
    with pytest.raises(InvalidRequest, match="the same name"):
        file_names("{id}", [(entry, one) for one in images])
