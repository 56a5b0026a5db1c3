"""Requests for models that take no words: the history, the files and the lists call them by what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imgplay_widget.errors import InvalidRequest
from imgplay_widget.testing import open_studio, png

if TYPE_CHECKING:
    from pathlib import Path

WAIT = 30


def test_a_request_without_words_is_called_by_what_it_does(tmp_path: Path) -> None:
    with open_studio() as studio:
        batch = studio.generate(model="demo:upscale", references=png(32, 24)).result(WAIT)
        assert (batch.prompt, batch.action) == ("", "upscale")
        assert (batch[0].width, batch[0].height) == (64, 48)
        assert repr(batch).startswith("<Batch 'Upscale' on demo:upscale")
        assert "'Upscale'" in repr(batch[0])
        assert [topic.title for topic in studio.topics] == ["Upscale"]
        assert batch.save(tmp_path / "out")[0].name == "00-no-seed-Upscale.png"
        assert "Upscale" in batch._repr_mimebundle_()["text/html"]  # type: ignore[index]
        assert batch[0].recipe["prompt"] == ""
        studio.export(tmp_path / "album", format="html")
        (page,) = (tmp_path / "album").rglob("*.html")
        assert 'alt="Upscale"' in page.read_text(encoding="utf-8")


def test_the_model_is_named_where_nothing_says_what_it_does() -> None:
    with open_studio() as studio:
        extended = studio.generate(model="demo:extend", references=png(32, 24), left=8).result(WAIT)
        assert extended.action == "outpaint"
        worded = studio.generate("a sea", model="demo:extend", references=png(32, 24), left=8).result(WAIT)
        assert worded.action is None
        assert "'a sea'" in repr(worded)


def test_words_for_a_model_that_takes_none_are_refused_before_anything_is_stored() -> None:
    with open_studio() as studio:
        with pytest.raises(InvalidRequest, match="takes no words"):
            studio.generate("a fox", model="demo:upscale", references=png())
        with pytest.raises(InvalidRequest, match="prompt is empty"):
            studio.generate(model="demo:instant")
        assert len(studio.topics) == 0
        assert studio.batches() == []


def test_a_prompt_that_is_empty_is_not_among_the_prompts_that_were_used() -> None:
    with open_studio() as studio:
        studio.generate(model="demo:upscale", references=png()).result(WAIT)
        assert studio._core.archive.store.prompts(10) == []
