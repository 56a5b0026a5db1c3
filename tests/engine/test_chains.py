"""Editing an image from code, and the chain of versions that grows of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

import imgplay_widget
from imgplay_widget.errors import ImgplayError, InvalidRequest, Moderated, NotFound, TakesNoImages
from imgplay_widget.providers import ModelSpec, Parameter, ProviderSpec, ReferenceRule, SizeRule
from imgplay_widget.testing import FakeProvider, Gate, mask_png, open_studio, picture, png

WAIT = 30
RULE = ReferenceRule(max_count=2, max_bytes=1_000_000)


class Many(FakeProvider):
    """A provider with models of its own, and perhaps a key that is missing."""

    def __init__(self, *models, name="other", variable=None, **options):
        super().__init__(name=name, **options)
        self._own = models
        if variable:
            self.spec = ProviderSpec(name=name, title=name.title(), key_variables=(variable,))

    def models(self):
        return [replace(spec, provider=self.spec.name) for spec in self._own]


def edge(name, **more):
    limits = {"minimum": 64, "maximum": 512, "step": 64, "default": 64} | more
    return Parameter(name=name, type="integer", kind=name, title=name.title(), **limits)


def model(id, *parameters, references=RULE, **more):
    return ModelSpec(
        provider="", id=id, title=id.title(), parameters=parameters, references=references, **more
    )


def fox(studio, prompt="a red fox", *, name="fake:image", **options):
    return studio.generate(prompt, model=name, **options).result(WAIT)[0]


def sent(fake):
    """Return what the newest call sent."""
    unit = fake.submits[-1]
    return {"seed": unit.seed, **unit.params}


# ------------------------------------------------------------------ editing


def test_an_edit_keeps_model_size_and_seed_and_takes_the_image_first(studio, fake):
    first = fox(studio, width=128, height=192, seed=7, topic="Foxes")
    studio.new_topic("Elsewhere")
    night = first.edit("make it night").result(WAIT)
    assert (night.model, night.action, night.prompt) == ("fake:image", "edit", "make it night")
    assert sent(fake) == {"width": 128, "height": 192, "seed": 7}
    assert night.topic_id == first.batch.topic_id
    # The topic that the user looks at stays.
    assert studio.active_topic != night.topic_id
    assert night[0].parents == [first]
    assert first.children == [night[0]]
    assert first.batch.action is None


def test_the_seed_of_the_image_is_kept_and_not_that_of_the_batch(studio, fake):
    third = studio.generate("a fox", model="fake:image", n=3).result(WAIT)[2]
    third.edit("make it night", n=2).result(WAIT)
    assert sorted(unit.seed for unit in fake.submits[-2:]) == [third.seed, third.seed + 1]


def test_what_the_caller_gives_wins(studio, fake):
    first = fox(studio, width=128, height=192, seed=7)
    other = first.edit(
        "make it night", seed=9, width=256, height=64, topic="Nights", references=png(8, 8)
    ).result(WAIT)
    assert sent(fake) == {"width": 256, "height": 64, "seed": 9}
    assert len(fake.submits[-1].references) == 2
    assert fake.submits[-1].references[0].generation_id == first.id
    assert other.topic_id == studio.topics[0].id
    with pytest.raises(InvalidRequest, match="height is missing"):
        first.edit("wider", width=256, height=None)
    mask = mask_png(64, 64, free=(0, 0, 8, 8))
    assert first.edit("a hat", mask=mask).result(WAIT)[0].recipe["mask"]["width"] == 64


def test_a_random_seed_stays_random_where_the_model_has_no_seed():
    other = Many(model("plain", edge("width"), edge("height")))
    with open_studio(other) as studio:
        first = fox(studio, name="other:plain", width=128, height=128)
        first.edit("night").result(WAIT)
        assert sent(other) == {"seed": None, "width": 128, "height": 128}


def test_another_model_gets_what_it_takes_of_the_old_parameters(fake):
    wide = model(
        "wide",
        edge("width", step=128, minimum=128, default=256),
        edge("height", step=128, minimum=128, default=256),
        Parameter(name="seed", type="integer", kind="seed", title="Seed", maximum=100),
        seed="exact",
        size_rule=SizeRule(min_pixels=256 * 256),
    )
    other = Many(wide)
    with open_studio(fake, other) as studio:
        first = fox(studio, width=256, height=256, seed=7)
        first.edit("night", model="other:wide").result(WAIT)
        assert sent(other) == {"width": 256, "height": 256, "seed": 7}
        # Each edge is allowed, and both together are not.
        small = fox(studio, width=128, height=128, seed=900)
        small.edit("night", model="other:wide").result(WAIT)
        assert sent(other)["width"] == sent(other)["height"] == 256
        assert sent(other)["seed"] != 900
        # One edge that is not allowed takes the other along.
        odd = fox(studio, width=384, height=192)
        odd.edit("night", model="other:wide").result(WAIT)
        assert sent(other)["width"] == sent(other)["height"] == 256


def test_a_model_whose_images_follow_their_reference_gets_no_size():
    rule = replace(RULE, gives_size=True)
    other = Many(model("follow", edge("width"), edge("height"), references=rule))
    with open_studio(other) as studio:
        other._script.append(picture())
        first = fox(studio, name="other:follow", width=256, height=128)
        # The provider sent another size than was asked for, and this is the size of the image.
        assert (first.width, first.height) == (64, 64)
        first.edit("night").result(WAIT)
        assert (sent(other)["width"], sent(other)["height"]) == (64, 64)
        first.edit("night", width=128, height=128).result(WAIT)
        assert sent(other)["width"] == 128


def test_what_was_left_to_the_provider_stays_so_and_a_default_may_need_an_image():
    strength = Parameter(name="strength", type="number", title="Strength", default=0.8, needs="reference")
    style = Parameter(name="style", type="string", title="Style", default="natural")
    other = Many(model("styled", strength, style))
    with open_studio(other) as studio:
        first = fox(studio, name="other:styled", style=None)
        night = first.edit("night").result(WAIT)
        assert sent(other) == {"seed": None, "strength": 0.8}
        night.edit("snow", strength=0.5).result(WAIT)[0].edit("rain").result(WAIT)
        assert sent(other) == {"seed": None, "strength": 0.5}


def test_a_batch_of_one_image_is_edited_as_its_image(studio):
    one = studio.generate("a fox", model="fake:image").result(WAIT)
    assert one.edit("night", n=2).result(WAIT)[1].parents == [one[0]]
    two = studio.generate("a fox", model="fake:image", n=2).result(WAIT)
    with pytest.raises(InvalidRequest, match="2 images cannot be edited at once") as caught:
        two.edit("night")
    assert "batch[0].edit" in caught.value.next_step


def test_an_edit_that_was_made_before_comes_from_the_store(studio, fake):
    first = fox(studio)
    night = first.edit("night", cache=True).result(WAIT)
    count = len(fake.submits)
    assert first.edit("night", cache=True) == night
    assert len(fake.submits) == count
    assert first.edit("night") != night


# ------------------------------------------------------------------ refusals


def test_a_model_that_takes_no_images_names_those_that_do_the_best_first(fake):
    retired = model("late", retired_on="2020-01-01")
    other = Many(model("near", references=None), model("far"), retired, name="aaa", variable="A_KEY")
    locked = Many(model("shut"), name="bbb", variable="BBB_KEY")
    with open_studio(fake, other, locked, keys={"aaa": "secret"}) as studio:
        first = fox(studio, name="fake:sheet", topic="Sheets")
        count = len(fake.submits)
        with pytest.raises(TakesNoImages, match="fake:sheet does not take input images") as caught:
            first.edit("night")
        names = caught.value.models
        assert names[:2] == ("fake:image", "aaa:far")
        assert not {"aaa:late", "bbb:shut"} & set(names)
        # The images of the demo are no real ones.
        assert names[-1].startswith("demo:")
        # An edit has words, which the upscaler does not take.
        assert "demo:upscale" not in names
        assert "Choose a model that takes images: fake:image, aaa:far" in caught.value.next_step
        assert isinstance(caught.value, InvalidRequest)
        assert len(fake.submits) == count
        assert len(studio.batches("Sheets")) == 1
        # The same error for a request with input images, and for a model of another provider.
        with pytest.raises(TakesNoImages) as again:
            studio.generate("night", model="aaa:near", references=first)
        assert again.value.models[0] == "aaa:far"
        assert "fake:image" in again.value.models
        assert first.edit("night", model=names[0]).result(WAIT).model == "fake:image"


def test_models_that_the_user_starred_or_used_come_before_others():
    other = Many(model("a"), model("b"), model("c"), model("blind", references=None))
    with open_studio(other) as studio:
        config = {**studio._core.panel.config, "starred_models": ["other:c"]}
        studio._core.call(studio._core.panel.save_config, config)
        with pytest.raises(TakesNoImages) as caught:
            studio.generate("night", model="other:blind", references=png())
        assert caught.value.models[:3] == ("other:c", "other:a", "other:b")


def test_an_image_whose_model_is_gone_names_other_models(tmp_path, fake):
    store = tmp_path / "s.sqlite"
    with open_studio(Many(model("gone")), fake, store=store) as studio:
        fox(studio, name="other:gone")
    with open_studio(fake, store=store) as studio:
        (batch,) = studio.search("fox")
        with pytest.raises(NotFound, match="other:gone") as caught:
            batch[0].edit("night")
        assert caught.value.next_step.startswith("Choose a model that takes images: ")
        assert "fake:image" in caught.value.next_step
        with pytest.raises(NotFound, match="nobody:none"):
            batch[0].edit("night", model="nobody:none")
        assert batch.edit("night", model="fake:image").result(WAIT).action == "edit"


def test_an_image_that_is_not_there_is_not_edited(fake):
    gate = Gate(picture())
    fake._script.extend([gate, Moderated("Refused.", provider="fake")])
    with open_studio(fake) as studio:
        running = studio.generate("a fox", model="fake:image")
        with pytest.raises(NotFound, match="no image yet"):
            running[0].edit("night")
        gate.open()
        running.result(WAIT)
        refused = studio.generate("a fox", model="fake:image")
        with pytest.raises(Moderated):
            refused.result(WAIT)
        with pytest.raises(Moderated):
            refused[0].edit("night")
        running[0].path.unlink()
        with pytest.raises(ImgplayError, match="gone"):
            running[0].edit("night")
        deleted = running[0]
        running.delete()
        with pytest.raises(NotFound):
            deleted.edit("night")
        assert len(fake.submits) == 2


# ------------------------------------------------------------------ chains


def test_a_chain_is_the_versions_of_an_image_with_what_changed(studio):
    first = fox(studio, "a fox, day", seed=7)
    second = first.edit("a fox, night, snow", topic="Nights").result(WAIT)[0]
    third = second.edit("put a red hat on its head", width=128, height=128, seed=8).result(WAIT)[0]
    chain = third.chain
    assert isinstance(chain, imgplay_widget.Chain)
    assert chain == [first, second, third]
    assert chain.changes == [
        "",
        "edit · + night, + snow · − day",
        "edit · “put a red hat on its head” · seed 7 → 8",
    ]
    assert chain[1:].changes == chain.changes[1:]
    assert first.chain == [first]
    assert "(edit · + night, + snow · − day)" in repr(chain)
    html = chain._repr_mimebundle_()["text/html"]
    assert ("3 versions" in html, html.count("<img "), "+ night, + snow" in html) == (True, 3, True)
    assert "1 version<" in first.chain._repr_mimebundle_()["text/html"]


def test_a_deleted_version_is_left_out_and_the_next_one_is_compared_with_what_is_there(studio):
    first = fox(studio, "a fox, day")
    second = first.edit("a fox, night").result(WAIT)[0]
    third = second.edit("a fox, night, snow").result(WAIT)[0]
    second.delete()
    assert third.chain == [first, third]
    assert third.chain.changes == ["", "edit · + night, + snow · − day"]
    third.delete()
    with pytest.raises(NotFound):
        _ = third.chain
