"""Never run: pyright must accept it as it stands, so that editors complete and check what users write."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, assert_type

from PIL import Image

from imgplay_widget import (
    BatchHandle,
    GenerationHandle,
    ImagePlayground,
    ImgplayError,
    ModelTable,
    Spend,
    Status,
    Studio,
    TopicHandle,
    models,
    variants,
)
from imgplay_widget.providers import Done, Http, Inline, ModelSpec, Pending, Provider, ProviderSpec, Unit
from imgplay_widget.testing import FakeProvider, open_studio


async def in_a_notebook() -> None:
    pg = ImagePlayground("foxes.sqlite", model="demo:instant", max_count=8)
    batch = pg.generate(
        "a red fox in snow", n=4, seed=7, width=768, topic="foxes", references=[Path("a.png")]
    )
    assert_type(batch, BatchHandle)
    assert_type(await batch, BatchHandle)
    assert_type(batch.result(timeout=60), BatchHandle)
    assert_type(batch[0], GenerationHandle)
    assert_type(batch[1:], list[GenerationHandle])
    assert_type([g.status for g in batch], list[Status])
    assert_type(batch[0].image, Image.Image)
    assert_type(batch[0].path, Path)
    assert_type(batch[0].seed, int | None)
    assert_type(batch[0].recipe, dict[str, Any])
    assert_type(batch.code, str)
    assert_type(batch.save_zip("a.zip"), Path)
    assert_type(pg.save_zip(Path("b.zip"), [batch, batch[0]]), Path)
    assert_type(batch[0].error, ImgplayError | None)
    assert_type(pg.topics, list[TopicHandle])
    assert_type(pg.new_topic("night"), TopicHandle)
    assert_type(pg.batches("foxes"), list[BatchHandle])
    assert_type(pg.models("openai"), ModelTable)
    assert_type(pg.refresh_models("openai")[0], ModelSpec)
    assert_type(models("demo")[1:], ModelTable)
    assert_type(pg.estimate("demo:instant", 4, width=512), Decimal | None)
    assert_type(pg.spent(date(2026, 5, 4), topic="foxes"), Spend)
    assert_type(pg.spent().by_model["demo:instant"].usd, Decimal)
    pg.budget = 5
    assert_type(pg.recipe_of("fox.png"), dict[str, Any] | None)
    assert_type(pg.improve("a fox", "translate", model="demo:instant"), str)
    assert_type(pg.check("openai").ok, bool)
    assert_type(pg.set_key("openai", "key", remember=True).message, str)
    assert_type(variants("a {red|blue} fox"), list[str])
    pg.set_key("openai")
    pg.set_key("openai", None)
    pg.delete(batch)


def without_a_page() -> None:
    with Studio("foxes.sqlite", providers=[Noise()]) as studio:
        assert_type(studio.generate("noise", model="noise:gray").result()[0].bytes, bytes)
    with open_studio(FakeProvider()) as studio:
        assert_type(studio, Studio)


class Noise(Provider):
    spec = ProviderSpec(name="noise", title="Noise", local=True)

    def models(self) -> list[ModelSpec]:
        return [ModelSpec(provider="noise", id="gray", title="Gray noise")]

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        return Done(images=(Inline(data=b""),))
