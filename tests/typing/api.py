"""Never run: pyright must accept it as it stands, so that editors complete and check what users write.

It uses the whole public surface; ``tests/public/test_typed_surface.py`` names what is missing here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, assert_type

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import imgplay_widget
from imgplay_widget import (
    Ask,
    Batches,
    BatchHandle,
    Chain,
    Estimate,
    FolderImport,
    GenerationHandle,
    Generations,
    ImagePlayground,
    ImgplayError,
    KeyCheck,
    KeyKept,
    ModelTable,
    Notice,
    Preset,
    Presets,
    Recovery,
    Reference,
    Rows,
    ServerPresetTable,
    Spend,
    Status,
    Studio,
    SweepHandle,
    SweepHandles,
    TopicHandle,
    TopicHandles,
    models,
    server_presets,
    variants,
)
from imgplay_widget.errors import (
    BackupDamaged,
    BadKey,
    BadRequest,
    BadResponse,
    BillingError,
    Cancelled,
    ConfirmationNeeded,
    ConnectFailed,
    CorruptImage,
    DeadlineExceeded,
    DiskFull,
    ErrorInfo,
    InternalError,
    Interrupted,
    InvalidRequest,
    Lost,
    MissingExtra,
    MissingKey,
    MissingPackage,
    ModelNotFound,
    Moderated,
    NetworkError,
    NetworkSetting,
    NoAbleModel,
    NoImage,
    NoPage,
    NotFetched,
    NotFound,
    NoThreads,
    NotShown,
    OverBudget,
    Overloaded,
    PageOutdated,
    PriceUnknown,
    ProviderError,
    ProviderMissing,
    QueryTooLong,
    QuotaUsedUp,
    RateLimited,
    ServerError,
    StoreDamaged,
    StoreError,
    StoreLocked,
    StoreTooNew,
    StudioClosed,
    TakesNoImages,
    Uncertain,
    UnknownParameter,
)
from imgplay_widget.providers import (
    CancelOutcome,
    CloudProvider,
    Done,
    Http,
    HttpProvider,
    Inline,
    Keys,
    Missing,
    ModelSpec,
    Parameter,
    ParameterKind,
    Partial,
    Pending,
    Price,
    Provider,
    ProviderSpec,
    Rate,
    ReferenceRule,
    Registry,
    Remote,
    Reply,
    Request,
    ServerEvent,
    SizeRule,
    Tier,
    Unit,
    before_the_call,
    data_uri,
    failure,
    image_of,
    link,
    perhaps_billed,
    redact,
    register,
    retry_after,
    slice_images,
    unbilled,
)
from imgplay_widget.testing import (
    FakeProvider,
    Gate,
    InstantClock,
    free_of,
    mask_png,
    open_studio,
    picture,
    png,
)

# ------------------------------------------------------------------ as users write it


async def in_a_notebook() -> None:
    pg = ImagePlayground("foxes.sqlite", model="demo:instant", max_count=8)
    batch = pg.generate(
        "a red fox in snow", n=4, seed=7, width=768, topic="foxes", references=[Path("a.png")]
    )
    assert_type(batch, BatchHandle)
    assert_type(await batch, BatchHandle)
    grid = pg.sweep("a {animal}", rows=[{"animal": "fox"}], cache=False, confirm=True)
    assert_type(await grid, SweepHandle)
    assert_type([g.status for g in batch], list[Status])
    assert_type(batch[0].image, Image.Image)
    assert_type(pg.save_zip(Path("b.zip"), [batch, batch[0]]), Path)
    assert_type(pg.refresh_models("openai")[0], ModelSpec)
    assert_type(models("demo")[1:], ModelTable)
    assert_type(pg.estimate("demo:instant", 4, width=512), Estimate | None)
    assert_type(pg.history(topic="foxes", since=date(2026, 5, 4)), Rows)
    assert_type(pg.sql("select 1")[0], tuple[Any, ...])
    assert_type(pg.sql("select 1")[1:], Rows)
    assert_type(pg.spent(date(2026, 5, 4), topic="foxes"), Spend)
    assert_type(pg.spent().by_model["demo:instant"].usd, Decimal)


def without_a_page() -> None:
    with Studio("foxes.sqlite", providers=[Noise()]) as studio:
        assert_type(studio.generate("noise", model="noise:gray").result()[0].bytes, bytes)
    with open_studio(FakeProvider()) as studio:
        assert_type(studio, Studio)
    assert_type(Studio.restore("studio.zip", "foxes.sqlite"), Path)


def without_a_studio() -> None:
    assert_type(imgplay_widget.__version__, str)
    assert_type(models("demo")[1:], ModelTable)
    assert_type(variants("a {red|blue} fox"), list[str])
    assert_type(server_presets()[:2], ServerPresetTable)
    assert_type(server_presets()[0].address, str)


# ------------------------------------------------------------------ a studio and a playground


def rate(generation: GenerationHandle) -> float:
    generation.scores["width"] = generation.width or 0
    return 1.0


def a_studio(studio: Studio, batch: BatchHandle, topic: TopicHandle) -> None:
    assert_type(studio.location, str)
    assert_type(studio.notices, list[Notice])
    assert_type(studio.active_topic, str | None)
    assert_type(studio.model, str)
    assert_type(studio.params, Mapping[str, Any])
    assert_type(studio.n, int)
    assert_type(studio.prompt, str)
    assert_type(studio.selected, Generations)
    assert_type(studio.on_generation(rate, remove=True)(batch[0]), float)
    studio.model, studio.params, studio.n, studio.prompt = "demo:instant", {"width": 64}, 2, "a fox"
    assert_type(studio.generate("a fox", n=2, confirm=True, deadline=60), BatchHandle)
    assert_type(studio.sweep("a {a}", a=["fox"], seed=range(4), model=["demo:instant"]), SweepHandle)
    assert_type(studio.sweeps("foxes", limit=3), SweepHandles)
    assert_type(studio.improve("a fox", "translate", model="demo:instant"), str)
    assert_type(studio.topics, TopicHandles)
    assert_type(studio.new_topic("night"), TopicHandle)
    assert_type(studio.rename_topic(topic, "day"), TopicHandle)
    assert_type(studio.pin_topic("day", pinned=False), TopicHandle)
    assert_type(studio.choose_cover(batch[0]), TopicHandle)
    assert_type(studio.batches(topic, limit=5), Batches)
    assert_type(studio.search("fox", status=Status.SUCCESS, starred=True), Batches)
    assert_type(studio.search(tag="poster", min_scores={"clip": 0.3}, sort_by="clip"), Batches)
    assert_type(studio.recipe_of("fox.png"), dict[str, Any] | None)
    assert_type(studio.save_zip("a.zip", batch), Path)
    studio.star([batch, batch[0]], starred=False)
    studio.move([batch], "day")
    assert_type(studio.add_reference(Image.new("RGB", (8, 8))), Reference)
    assert_type(studio.references, tuple[Reference, ...])
    studio.clear_references(topic=topic)
    studio.delete(batch)
    studio.restore(batch)
    assert_type(studio.recover(), Recovery)
    assert_type(studio.import_folder("foxes"), FolderImport)
    assert_type(studio.backup("studio.zip"), Path)
    assert_type(studio.history(model="demo:instant", status="success"), Rows)
    assert_type(studio.sql("select 1"), Rows)
    assert_type(studio.export("foxes", "jsonl", topic=topic), Path)
    assert_type(studio.presets, Presets)
    assert_type(studio.spent(datetime(2026, 5, 4)), Spend)  # noqa: DTZ001 - a local time is allowed
    assert_type(studio.estimate("demo:instant", 4, width=512), Estimate | None)
    studio.budget = 5
    studio.cache = True
    assert_type(studio.progress, bool | None)
    studio.progress = None
    assert_type(studio.models("openai"), ModelTable)
    assert_type(studio.refresh_models(), ModelTable)
    assert_type(studio.check("openai"), KeyCheck)
    assert_type(studio.set_key("openai", Ask.KEY), KeyKept)
    assert_type(studio.add_server("local", "http://127.0.0.1:8080/v1"), KeyCheck)
    assert_type(studio.add_server(preset="azure", resource="my-team", key="key"), KeyCheck)
    studio.remove_server("local")
    assert_type(studio.add_workflow("poster.json"), str)
    assert_type(studio.add_workflow({"3": {}}, "poster", provider="comfyui"), str)
    studio.close()


def a_playground(pg: ImagePlayground, batch: BatchHandle, topic: TopicHandle) -> None:
    assert_type(pg.model, str)
    assert_type(pg.params, Mapping[str, Any])
    assert_type(pg.n, int)
    assert_type(pg.prompt, str)
    assert_type(pg.selected, Generations)
    pg.model, pg.params, pg.n, pg.prompt = "demo:instant", {"width": 64}, 2, "a fox"
    pg.selected = [batch[0], batch]
    pg.selected = batch
    assert_type(pg.on_generation(rate)(batch[0]), float)
    pg.theme = "dark"
    pg.height = 700
    assert_type(pg.studio, Studio)
    assert_type(pg.generate("a fox", mask=b"", references=[batch[0], "a.png"]), BatchHandle)
    pixels = np.zeros((8, 8, 3), np.uint8)
    pg.generate("a fox", mask=pixels, references=[batch, pixels, Image.new("L", (8, 8))])
    pg.generate("a fox", references=batch[0])
    assert_type(pg.improve("a fox"), str)
    assert_type(pg.topics, TopicHandles)
    assert_type(pg.sweep("a {a}", a="fox", width=[64, 128], n=2, topic=topic), SweepHandle)
    assert_type(pg.sweeps(), SweepHandles)
    assert_type(pg.new_topic(), TopicHandle)
    assert_type(pg.rename_topic("night", "day"), TopicHandle)
    assert_type(pg.pin_topic(topic), TopicHandle)
    assert_type(pg.choose_cover(batch[0]), TopicHandle)
    assert_type(pg.batches("foxes"), Batches)
    assert_type(pg.search(model="demo:instant", status="success", limit=100), Batches)
    assert_type(pg.recipe_of(b""), dict[str, Any] | None)
    assert_type(pg.save_zip(Path("b.zip"), [batch, batch[0]]), Path)
    pg.star(batch[0])
    pg.move(batch, topic)
    assert_type(pg.add_reference(batch[0], topic=topic), Reference)
    assert_type(pg.references, tuple[Reference, ...])
    pg.clear_references()
    pg.delete(batch[0])
    pg.restore(batch[0])
    assert_type(pg.recover(), Recovery)
    assert_type(pg.import_folder(Path("foxes"), topic="Foxes"), FolderImport)
    assert_type(pg.backup(Path("studio.zip")), Path)
    assert_type(pg.spent(), Spend)
    assert_type(pg.progress, bool | None)
    pg.progress = False
    assert_type(pg.estimate(references=2), Estimate | None)
    pg.budget = None
    assert_type(pg.cache, bool)
    pg.generate("a fox", cache=True)
    pg.presets["poster"] = {"model": "demo:instant", "width": 768, "suffix": "in oil"}
    pg.presets.rename("poster", "oil")
    assert_type(pg.presets, Presets)
    assert_type(pg.presets["oil"], Preset)
    assert_type(pg.presets["oil"].model, str | None)
    pg.generate("a fox", preset="oil")
    assert_type(pg.models(), ModelTable)
    assert_type(pg.refresh_models("openai"), ModelTable)
    assert_type(pg.check("openai").ok, bool)
    assert_type(pg.set_key("openai", "key", remember=True).message, str)
    pg.set_key("openai")
    pg.set_key("openai", None)
    assert_type(pg.add_server("local", "http://127.0.0.1:8080/v1", "key", remember=True), KeyCheck)
    assert_type(pg.add_workflow(b"", name="poster"), str)
    pg.remove_server("local")
    pg.close()

    # ------------------------------------------------------------------ results
    assert_type(pg.history(), Rows)
    assert_type(pg.sql("select 1"), Rows)
    assert_type(pg.export("foxes", format="html"), Path)


def a_batch(batch: BatchHandle) -> None:
    assert_type(batch.id, str)
    assert_type(batch.topic_id, str)
    assert_type(batch.prompt, str)
    assert_type(batch.model, str)
    assert_type(batch.params, Mapping[str, Any])
    assert_type(batch.code, str)
    assert_type(
        batch.action, Literal["edit", "vary", "upscale", "remove_background", "outpaint", "inpaint"] | None
    )
    assert_type(batch.cached, bool)
    assert_type(batch.edit("night", model="demo:slow"), BatchHandle)
    assert_type(batch.status, Status)
    assert_type(batch.generations, Generations)
    assert_type(batch[0], GenerationHandle)
    assert_type(batch[1:], Generations)
    assert_type(len(batch), int)
    assert_type(batch.result(timeout=60), BatchHandle)
    assert_type(batch.result(progress=True), BatchHandle)
    assert_type(batch.retry(confirm=True), BatchHandle)
    assert_type(batch.images, list[Image.Image])
    assert_type(batch.arrays, list[NDArray[np.uint8]])
    assert_type(batch.save("foxes", "{index}"), list[Path])
    assert_type(batch.save_zip("a.zip"), Path)
    batch.cancel()
    batch.delete()


def a_sweep(grid: SweepHandle) -> None:
    assert_type(grid.id, str)
    assert_type(grid.topic_id, str)
    assert_type(grid.template, str)
    assert_type(grid.axes, dict[str, list[Any]])
    assert_type(grid.fixed, dict[str, Any])
    assert_type(grid.created_at, datetime)
    assert_type(grid.batches, Batches)
    assert_type(grid.generations, Generations)
    assert_type(grid.total, int)
    assert_type(grid.finished, int)
    assert_type(grid.status, Status)
    assert_type(grid.cost, Decimal | None)
    assert_type(grid.image, Image.Image)
    assert_type(len(grid), int)
    assert_type(next(iter(grid)), BatchHandle)
    assert_type(grid[{"animal": "fox"}], SweepHandle | BatchHandle)
    assert_type(grid.result(timeout=60, progress=True), SweepHandle)
    assert_type(grid.retry(confirm=True), SweepHandle)
    assert_type(grid.df(), Any)
    assert_type(grid.save("foxes", "{cell}"), list[Path])
    assert_type(grid.save_zip("a.zip"), Path)
    grid.cancel()
    grid.delete()


def a_generation(one: GenerationHandle) -> None:
    assert_type(one.id, str)
    assert_type(one.batch, BatchHandle)
    assert_type(one.prompt, str)
    assert_type(one.slot, int)
    assert_type(one.seed, int | None)
    assert_type(one.status, Status)
    assert_type(one.error, ImgplayError | None)
    assert_type(one.applied, Mapping[str, Any])
    assert_type(one.served_by, str | None)
    one.starred = True
    one.scores["clip"] = 0.31
    one.scores = {"clip": 0.31}
    assert_type(one.scores["clip"], float)
    one.tags.add("poster")
    one.tags |= {"poster"}
    one.tags = ["poster"]
    assert_type(one.recipe, dict[str, Any])
    assert_type(one.width, int | None)
    assert_type(one.height, int | None)
    assert_type(one.path, Path)
    assert_type(one.bytes, bytes)
    assert_type(one.image, Image.Image)
    assert_type(one.array, NDArray[np.uint8])
    np.asarray(one)
    assert_type(one.cost, Decimal | None)
    assert_type(one.seconds, float | None)
    assert_type(one.parents, Generations)
    assert_type(one.chain, Chain)
    assert_type(one.chain.changes, list[str])
    assert_type(
        one.edit("night", model="demo:slow", n=2, topic="Nights", references=one, mask=None), BatchHandle
    )
    assert_type(one.edit("night", confirm=True, cache=False, seconds=1), BatchHandle)
    assert_type(one.children, Generations)
    assert_type(one.upscale("demo:upscale", scale=2), BatchHandle)
    assert_type(one.remove_background(confirm=True), BatchHandle)
    assert_type(one.vary(n=2, topic="foxes"), BatchHandle)
    assert_type(one.outpaint(left=64, prompt="a sea"), BatchHandle)
    assert_type(one.inpaint(b"mask", "a scarf", cache=True), BatchHandle)
    assert_type(one.save("fox.png"), Path)
    assert_type(one.retry(), GenerationHandle)
    one.cancel()
    one.delete()


def some_rows(rows: Rows) -> None:
    assert_type(rows.columns, tuple[str, ...])
    assert_type(list(rows), list[tuple[Any, ...]])
    assert_type(len(rows), int)
    rows.df()
    rows.pl()
    rows.arrow()
    rows.__arrow_c_stream__()


def a_topic(topic: TopicHandle) -> None:
    assert_type(topic.id, str)
    assert_type(topic.title, str | None)
    assert_type(topic.pinned, bool)
    assert_type(topic.images, int)
    assert_type(topic.running, int)
    assert_type(topic.created_at, datetime)
    assert_type(topic.updated_at, datetime)
    assert_type(topic.cover, Path | None)
    assert_type(topic.batches(limit=5), Batches)
    assert_type(topic.rename("day"), TopicHandle)
    assert_type(topic.pin(pinned=False), TopicHandle)
    topic.delete()


# ------------------------------------------------------------------ errors

ERRORS: tuple[type[ImgplayError], ...] = (
    BackupDamaged,
    Cancelled,
    ConfirmationNeeded,
    DiskFull,
    InvalidRequest,
    MissingPackage,
    NoAbleModel,
    NoPage,
    NoThreads,
    NotFound,
    NotShown,
    OverBudget,
    PageOutdated,
    PriceUnknown,
    QueryTooLong,
    StoreDamaged,
    StoreError,
    StoreLocked,
    StoreTooNew,
    StudioClosed,
    TakesNoImages,
    UnknownParameter,
)
FAILURES: tuple[type[ProviderError], ...] = (
    BadKey,
    BadRequest,
    BadResponse,
    BillingError,
    ConnectFailed,
    CorruptImage,
    DeadlineExceeded,
    InternalError,
    Interrupted,
    Lost,
    MissingExtra,
    MissingKey,
    ModelNotFound,
    Moderated,
    NetworkError,
    NetworkSetting,
    NoImage,
    NotFetched,
    Overloaded,
    ProviderMissing,
    QuotaUsedUp,
    RateLimited,
    ServerError,
    Uncertain,
)


def no_images(error: TakesNoImages) -> None:
    assert_type(error.models, tuple[str, ...])


def nobody_can(error: NoAbleModel) -> None:
    assert_type(error.ability, str)
    assert_type(error.models, tuple[str, ...])


def an_error(error: ImgplayError) -> None:
    assert_type(error.info, ErrorInfo)
    assert_type(error.info.fault, Literal["you", "provider", "network", "here"])
    assert_type(error.next_step, str)


# ------------------------------------------------------------------ providers


class Noise(Provider):
    spec = ProviderSpec(name="noise", title="Noise", local=True)

    def models(self) -> list[ModelSpec]:
        kind: ParameterKind = "width"
        return [
            ModelSpec(
                provider="noise",
                id="gray",
                title="Gray noise",
                parameters=(Parameter(name="width", type="integer", title="Width", kind=kind),),
                price=Price(
                    amount="0.01",
                    unit="image",
                    tiers=(Tier(when={"width": (512,)}, rate=Rate(amount="0.005", unit="image")),),
                ),
                references=ReferenceRule(max_count=1, max_bytes=1000),
                size_rule=SizeRule(max_pixels=1000),
            )
        ]

    def plan(self, request: Request, spec: ModelSpec, seed: int | None) -> list[Unit]:
        return super().plan(request, spec, seed)

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        if unit.n > 1:
            return Pending(ticket={"job": 1})
        error = NoImage("There is no image.", provider="noise")
        return Done(
            images=(Inline(data=b""), Remote(url="https://a.example/1.png"), Missing(error=error.info))
        )

    async def watch(self, unit: Unit, http: Http) -> Partial | None:
        return Partial(progress=0.5)

    async def cancel(self, ticket: Mapping[str, Any], http: Http) -> CancelOutcome:
        return "cancelled"


class Acme(CloudProvider):
    spec = ProviderSpec(name="acme", title="Acme", key_variables=("ACME_API_KEY",))

    def models(self) -> Sequence[ModelSpec]:
        return ()

    def path(self, unit: Unit) -> str:
        return "/images"

    def fields(self, unit: Unit, http: Http) -> dict[str, Any]:
        return {"images": [data_uri(http, reference) for reference in unit.references]}

    def images(self, answer: Mapping[str, Any]) -> Sequence[Inline | Remote | Missing]:
        found = [image_of(item) or link(item) for item in answer["data"]]
        return [image for image in found if image is not None]


class Queue(HttpProvider):
    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        with before_the_call():
            reply = await http.request("GET", "/")
        assert_type(reply, Reply)
        if not reply.ok:
            raise perhaps_billed(failure(reply, http, redact("words", None)))
        raise unbilled(failure(reply, http))


def parts_of_a_provider(registry: Registry, keys: Keys, event: ServerEvent, reply: Reply) -> None:
    register(Noise())
    assert_type(registry.find("noise:gray"), tuple[Provider, ModelSpec])
    assert_type(keys.get(Noise.spec), str | None)
    assert_type(event.data, bytes)
    assert_type(retry_after(reply.headers, None), float | None)
    assert_type(slice_images(b"")[0], list[bytes])


# ------------------------------------------------------------------ testing


def doubles() -> None:
    gate = Gate(picture(2))
    gate.open()
    fake = FakeProvider([gate])
    clock = InstantClock()
    clock.advance(3)
    with open_studio(fake, clock=clock) as studio:
        assert_type(studio, Studio)
    assert_type(fake.submits, list[Unit])
    assert_type(png(8, 8), bytes)
    assert_type(free_of(mask_png(8, 8, free=(0, 0, 4, 4))), tuple[int, int, int, int] | None)
