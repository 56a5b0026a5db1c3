"""What can be done with a finished image, from code: the model, the words and the parameters."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image

from imgplay_widget import catalog, errors
from imgplay_widget._types import ModelSpec
from imgplay_widget.testing import FakeProvider, open_studio

WAIT = 30


def picture(studio: Any, **options: Any) -> Any:
    return studio.generate("a red fox", model="demo:instant", width=256, height=320, **options).result(WAIT)[
        0
    ]


def test_each_follow_up_comes_into_the_topic_of_the_image_and_says_what_it_is() -> None:
    with open_studio() as studio:
        fox = picture(studio, topic="foxes")
        studio.generate("elsewhere", model="demo:instant", topic="others").result(WAIT)
        mask = Image.new("L", (256, 320), 255)
        batches = [
            fox.upscale(),
            fox.vary(seconds=0),
            fox.outpaint(left=64, top=32),
            fox.inpaint(mask, "a blue whale"),
        ]
        for batch in batches:
            batch.result(WAIT)
        assert [batch.action for batch in batches] == ["upscale", "vary", "outpaint", "inpaint"]
        assert {batch.topic_id for batch in batches} == {fox.batch.topic_id}
        assert [batch.model for batch in batches] == [
            "demo:upscale",
            "demo:slow",
            "demo:extend",
            "demo:retouch",
        ]
        assert [batch.prompt for batch in batches] == ["", "a red fox", "", "a blue whale"]
        assert [(batch[0].width, batch[0].height) for batch in batches] == [
            (512, 640), (256, 320), (320, 352), (256, 320),
        ]  # fmt: skip
        assert [[one.id for one in batch[0].parents] for batch in batches] == [[fox.id]] * 4
        assert {one.id for one in fox.children} == {batch[0].id for batch in batches}


def test_another_version_keeps_what_made_the_image_but_the_seed() -> None:
    with open_studio() as studio:
        fox = picture(studio, seed=5, style="soft")
        other = fox.vary(seconds=0)
        assert (other.params["style"], other.params["width"], other.params["height"]) == ("soft", 256, 320)
        assert "seed" not in other.params
        assert fox.vary(seed=9, n=2, seconds=0).params["seed"] == 9


def test_the_words_of_an_image_without_words_are_those_of_the_version_before_it() -> None:
    with open_studio() as studio:
        large = picture(studio).upscale().result(WAIT)[0]
        assert large.prompt == ""
        assert large.vary(seconds=0).prompt == "a red fox"


def test_a_model_can_be_chosen_and_one_that_cannot_is_refused() -> None:
    with open_studio() as studio:
        fox = picture(studio)
        assert fox.upscale("demo:upscale", scale=3).params["scale"] == 3
        with pytest.raises(
            errors.NoAbleModel, match="demo:instant is not a model that enlarges images"
        ) as caught:
            fox.upscale("demo:instant")
        assert (caught.value.ability, caught.value.models) == ("upscale", ("demo:upscale",))
        assert "demo:upscale" in caught.value.next_step
        with pytest.raises(errors.UnknownParameter):
            fox.upscale(factor=3)


def test_where_nobody_can_do_it_the_models_and_their_keys_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("STABILITY_API_KEY", "FAL_KEY", "REPLICATE_API_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    with open_studio() as studio:
        fox = picture(studio)
        before = len(fox.children)
        with pytest.raises(
            errors.NoAbleModel, match="No model that can be used now removes the background"
        ) as caught:
            fox.remove_background()
        assert "stability:edit/remove-background (STABILITY_API_KEY)" in caught.value.next_step
        assert "(FAL_KEY)" in caught.value.next_step
        assert "stability:edit/remove-background" in caught.value.models
        assert len(fox.children) == before


def test_a_key_makes_a_model_usable_and_the_own_provider_goes_first() -> None:
    with open_studio(keys={"stability": "sk-x", "fal": "sk-y"}, budget=0.0) as studio:
        fox = picture(studio)
        # The budget refuses the call before it is sent, and names the model.
        with pytest.raises(errors.ImgplayError) as caught:
            fox.remove_background()
        assert isinstance(caught.value, errors.OverBudget | errors.PriceUnknown)
        assert fox.upscale().model == "demo:upscale"


def test_a_model_that_does_not_take_the_image_is_not_chosen() -> None:
    provider = FakeProvider()
    large = catalog.load("stability")
    spec = next(one for one in large if one.id == "upscale/fast")
    assert isinstance(spec, ModelSpec)
    with open_studio(provider, keys={"stability": "sk-x"}) as studio:
        wide = studio.generate("a sea", model="demo:instant", width=2048, height=1024).result(WAIT)[0]
        with pytest.raises(errors.InvalidRequest, match=r"takes up to 1\.0"):
            wide.upscale("stability:upscale/fast")


def test_an_image_that_is_not_there_is_refused_first() -> None:
    with open_studio() as studio:
        failed = studio.generate("a fox", model="demo:broken")
        with pytest.raises(errors.ImgplayError):
            failed.result(WAIT)
        with pytest.raises(errors.ImgplayError):
            failed[0].upscale()


def test_a_local_server_that_never_answered_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    with open_studio() as studio:
        fox = picture(studio)
        mask = Image.new("L", (256, 320), 255)
        assert fox.inpaint(mask, "a sea").model == "demo:retouch"
        with pytest.raises(errors.NoAbleModel) as caught:
            fox.inpaint(mask, "a sea", "demo:instant")
        names = caught.value.models
        assert any(name.startswith("openai:") for name in names)
        assert not any(name.startswith(("a1111:", "sdcpp:")) for name in names)
