"""The paths that users give, and files that are gone."""

from __future__ import annotations

import pytest

from imgplay_widget import Studio
from imgplay_widget.errors import InvalidRequest, StoreError
from imgplay_widget.testing import FakeProvider, open_studio

NO_PATHS = ["a\0b.png", "a\ud800.png\0", "x" * 5000, "~no-such-user-at-all/a.png", "A9s/" + "b" * 300_000]


@pytest.mark.parametrize("path", NO_PATHS)
def test_what_cannot_be_a_path_is_refused_in_a_short_sentence(path):
    with open_studio(FakeProvider()) as studio:
        batch = studio.generate("a fox", model="fake:image").result(30)
        for attempt in (
            lambda: studio.generate("a fox", model="fake:image", references=[path]),
            lambda: batch.save_zip(path),
            lambda: batch[0].save(path),
            lambda: Studio(path),
        ):
            with pytest.raises(InvalidRequest) as refused:
                attempt()
            assert len(str(refused.value)) < 500
            str(refused.value).encode()


def test_a_file_that_is_gone_is_named_with_a_next_step(tmp_path):
    with open_studio(FakeProvider(), store=tmp_path / "history.sqlite") as studio:
        image = studio.generate("a fox", model="fake:image").result(30)[0]
        image.path.unlink()
        for read in (lambda: image.path, lambda: image.bytes, lambda: image.image):
            with pytest.raises(StoreError, match=r"is gone from the store's folder.*backup"):
                read()
