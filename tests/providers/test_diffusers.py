"""Local pipelines, with a fake that behaves like the real pipelines of test_diffusers_real.py."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from imgplay_widget import errors
from imgplay_widget._types import Inline, Missing, Partial, Reference, Status, Unit
from imgplay_widget.providers.diffusers import Diffusers
from imgplay_widget.providers.diffusers.pipelines import Setup, Shelf
from imgplay_widget.providers.diffusers.torch import Torch
from imgplay_widget.testing import open_studio, png
from tests.providers.conftest import Caller

WAIT = 20
"""Seconds after which a test gives up."""

HUB = "owner/pipeline"


class Pipe:
    """Draws one colour, chosen by the seed, and asks after each step, like real pipelines."""

    _callback_tensor_inputs = ("latents", "prompt_embeds")

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.steps_done = 0
        self.scheduler = "its own"
        self.scheduler_used: list[str] = []
        self.at_step: Callable[[int], None] = lambda step: None
        self.flags: list[bool] | None = None

    def __call__(
        self,
        prompt: str | None = None,
        height: int | None = None,
        width: int | None = None,
        num_inference_steps: int = 5,
        guidance_scale: float = 7.5,
        negative_prompt: str | None = None,
        num_images_per_prompt: int = 1,
        generator: Any = None,
        output_type: str = "pil",
        callback_on_step_end: Any = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
    ) -> Any:
        self.calls.append({name: value for name, value in locals().items() if name != "self"})
        return self.draw(num_inference_steps, generator, (width or 64, height or 64), callback_on_step_end)

    def draw(self, steps: int, generator: list[int], size: tuple[int, int], callback: Any) -> Any:
        self.scheduler_used.append(self.scheduler)
        self.num_timesteps = steps
        for step in range(steps):
            self.steps_done += 1
            self.at_step(step)
            if callback:
                tensors = callback(self, step, 1000 - step, {"latents": step})
                assert isinstance(tensors, dict), "a callback of diffusers gives a dict"
        images = [Image.new("RGB", size, (seed % 256, 9, 9)) for seed in generator]
        return SimpleNamespace(images=images, nsfw_content_detected=self.flags)


class ImagePipe(Pipe):
    """Starts from an image and takes its size."""

    def __call__(  # type: ignore[override]
        self,
        prompt: str | None = None,
        image: Any = None,
        strength: float = 0.8,
        num_inference_steps: int = 10,
        num_images_per_prompt: int = 1,
        generator: Any = None,
        output_type: str = "pil",
        callback_on_step_end: Any = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
    ) -> Any:
        self.calls.append({name: value for name, value in locals().items() if name != "self"})
        return self.draw(int(num_inference_steps * strength), generator, image.size, callback_on_step_end)


class Plain(Pipe):
    """A pipeline that takes only a prompt, and that never asks whether to stop."""

    def __call__(self, prompt: str, generator: Any = None, output_type: str = "pil") -> Any:  # type: ignore[override]
        return self.draw(3, generator, (64, 64), None)


class Bench:
    """A backend that returns fakes and records its calls."""

    def __init__(self, kind: type[Pipe] = Pipe) -> None:
        self.kind = kind
        self.log: list[str] = []
        self.pipes: dict[str, Pipe] = {}
        self.image_pipe = ImagePipe()
        self.looks = 0
        self.fail_looks = False
        self.on_load: Callable[[], None] = lambda: None

    @property
    def pipe(self) -> Pipe:
        return self.pipes[HUB]

    def load(self, source: str, setup: Setup) -> Any:
        self.log.append(f"load {source}")
        self.on_load()
        return self.pipes.setdefault(source, self.kind())

    def with_image(self, pipe: Any) -> Any:
        return self.image_pipe

    def scheduler(self, pipe: Any, name: str) -> Any:
        return f"{name} made of {pipe.scheduler}"

    def generator(self, seed: int) -> Any:
        return seed

    def look(self, pipe: Any, latents: Any, size: Any) -> Sequence[Image.Image]:
        self.looks += 1
        if self.fail_looks:
            raise RuntimeError("no such decoder")
        return [Image.new("RGB", (32, 32), "gray")]

    def free(self, pipe: Any) -> None:
        self.log.append("free")

    def tidy(self) -> None:
        self.log.append("tidy")


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def provider(bench: Bench) -> Diffusers:
    bench.pipes[HUB] = bench.kind()
    return Diffusers(shelf=Shelf(bench))


def unit(*seeds: int, model: str = HUB, references: int = 0, **params: Any) -> Unit:
    seeds = seeds or (7,)
    inputs = (Reference(digest="r", media_type="image/png", width=48, height=32),) * references
    return Unit(
        model=model,
        prompt="a paper boat",
        params=params,
        positions=tuple(range(len(seeds))),
        seeds=seeds,
        references=inputs,
        key="k",
    )


def caller(provider: Diffusers) -> Caller:
    return Caller(provider, key=None, files={"r": png(48, 32)})


def colour(image: Any) -> Any:
    assert isinstance(image, Inline)
    return Image.open(io.BytesIO(image.data)).getpixel((0, 0))


def test_each_image_has_a_generator_of_its_own(provider: Diffusers) -> None:
    forward = caller(provider).submit(unit(3, 200)).images
    backward = caller(provider).submit(unit(200, 3)).images
    assert [colour(image)[0] for image in forward] == [3, 200]
    assert [colour(image)[0] for image in backward] == [200, 3]


def test_only_what_has_a_value_is_sent_under_the_pipelines_names(provider: Diffusers, bench: Bench) -> None:
    caller(provider).submit(unit(7, steps=4, cfg=3.0, negative_prompt="fog", width=96, height=64))
    sent = bench.pipe.calls[0]
    assert (sent["num_inference_steps"], sent["guidance_scale"]) == (4, 3.0)
    assert (sent["negative_prompt"], sent["width"], sent["height"]) == ("fog", 96, 64)
    caller(provider).submit(unit(7))
    assert (bench.pipe.calls[1]["num_inference_steps"], bench.pipe.calls[1]["width"]) == (5, None)


def test_the_size_is_told_where_it_is_not_the_one_that_was_asked_for(provider: Diffusers) -> None:
    (chosen,) = caller(provider).submit(unit(7)).images
    (asked,) = caller(provider).submit(unit(7, width=96, height=64)).images
    assert isinstance(chosen, Inline)
    assert isinstance(asked, Inline)
    assert chosen.applied == {"width": 64, "height": 64}
    assert asked.applied == {}


def test_steps_give_progress_and_a_preview(provider: Diffusers, bench: Bench) -> None:
    partials, done = caller(provider).stream(unit(7, steps=4))
    assert [partial.progress for partial in partials] == [0.25, 0.5, 0.75, 1.0]
    looks = [partial.data for partial in partials if partial.data]
    assert Image.open(io.BytesIO(looks[0])).format == "JPEG"
    assert len(looks) == bench.looks < 4, "a preview every step would cost more than the picture"
    assert len(done.images) == 1


def test_a_preview_that_fails_costs_neither_the_picture_nor_a_second_try(
    provider: Diffusers, bench: Bench
) -> None:
    bench.fail_looks = True
    partials, done = caller(provider).stream(unit(7))
    assert [partial.data for partial in partials] == [None] * 5
    assert bench.looks == 1
    assert isinstance(done.images[0], Inline)


def test_a_pipeline_that_never_asks_draws_without_progress() -> None:
    bench = Bench(Plain)
    partials, done = caller(Diffusers(shelf=Shelf(bench))).stream(unit(7))
    assert partials == []
    assert colour(done.images[0])[0] == 7


def test_a_scheduler_is_used_for_one_call(provider: Diffusers, bench: Bench) -> None:
    caller(provider).submit(unit(7, scheduler="euler"))
    caller(provider).submit(unit(7))
    assert bench.pipe.scheduler_used == ["euler made of its own", "its own"]


def test_a_reference_starts_the_pipeline_for_images(provider: Diffusers, bench: Bench) -> None:
    done = caller(provider).submit(unit(7, references=1, strength=0.5, width=96, height=64))
    (call,) = bench.image_pipe.calls
    assert (call["image"].size, call["image"].mode, call["strength"]) == ((96, 64), "RGB", 0.5)
    assert bench.image_pipe.steps_done == 5
    assert isinstance(done.images[0], Inline)
    caller(provider).submit(unit(7, references=1))
    assert bench.image_pipe.calls[1]["image"].size == (48, 32)


def test_a_reference_that_is_no_image_is_refused(provider: Diffusers) -> None:
    broken = Caller(provider, key=None, files={"r": b"no image"})
    with pytest.raises(errors.BadRequest, match="not an image"):
        broken.submit(unit(7, references=1))


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"strength": 0.5}, "only with a reference"),
        ({"negative_prompt": "fog"}, "takes no negative_prompt"),
        ({"cfg": 3.0}, "takes no cfg"),
    ],
)
def test_what_the_pipeline_would_ignore_is_refused(params: dict[str, Any], words: str) -> None:
    bench = Bench(Plain)
    with pytest.raises(errors.BadRequest, match=words) as caught:
        caller(Diffusers(shelf=Shelf(bench))).submit(unit(7, **params))
    assert caught.value.next_step
    assert bench.pipe.steps_done == 0


@pytest.mark.parametrize(
    ("raised", "kind", "fault"),
    [
        (ValueError("width must be divisible by 8"), errors.BadRequest, "you"),
        (RuntimeError("CUDA out of memory. Tried to allocate 3 GiB"), errors.ServerError, "here"),
        (MemoryError(), errors.ServerError, "here"),
        (RuntimeError("shapes differ"), errors.ServerError, "here"),
        (KeyError("unet"), errors.ServerError, "here"),
    ],
)
def test_a_failure_has_a_name_and_a_next_step(
    provider: Diffusers, bench: Bench, raised: Exception, kind: type[errors.ProviderError], fault: str
) -> None:
    def fail(step: int) -> None:
        raise raised

    bench.pipe.at_step = fail
    with pytest.raises(kind) as caught:
        caller(provider).submit(unit(7))
    assert type(caught.value) is kind
    assert (caught.value.fault, caught.value.provider) == (fault, "diffusers")
    assert caught.value.next_step
    assert not caught.value.maybe_billed
    bench.pipe.at_step = lambda step: None
    assert caller(provider).submit(unit(7)).images, "the pipeline stays usable"


def test_an_image_that_the_safety_checker_blacked_out_is_told(provider: Diffusers, bench: Bench) -> None:
    bench.pipe.flags = [True, False]
    first, second = caller(provider).submit(unit(3, 4)).images
    assert isinstance(first, Missing)
    assert first.error.code == "moderated"
    assert isinstance(second, Inline)


# ------------------------------------------------------------------ stop


class Hold:
    """A stop at the second step of a pipeline, which lasts until the test sets `go`."""

    def __init__(self, pipe: Pipe) -> None:
        self.reached, self.go = threading.Event(), threading.Event()
        pipe.at_step = self

    def __call__(self, step: int) -> None:
        if step == 1:
            self.reached.set()
            assert self.go.wait(WAIT)


def idle(provider: Diffusers) -> None:
    """Wait until no drawing has the shelf."""
    provider._shelf.close()
    provider._shelf.closing.clear()


def test_a_stream_that_is_closed_stops_the_pipeline_at_its_next_step(
    provider: Diffusers, bench: Bench
) -> None:
    hold = Hold(bench.pipe)

    async def look_once(http: Any) -> None:
        stream = provider.stream(unit(7, steps=50), http)
        assert stream is not None
        first = await anext(stream)
        assert isinstance(first, Partial)
        await asyncio.to_thread(hold.reached.wait, WAIT)
        await stream.aclose()

    caller(provider).run(look_once)
    hold.go.set()
    idle(provider)
    assert bench.pipe.steps_done == 2
    assert bench.log[-1] == "free", "offloaded parts are put back"
    bench.pipe.at_step = lambda step: None
    assert caller(provider).submit(unit(7)).images


def test_a_batch_that_is_cancelled_stops_the_pipeline(
    provider: Diffusers, bench: Bench, tmp_path: Path
) -> None:
    hold = Hold(bench.pipe)
    with open_studio(provider, store=tmp_path / "h.sqlite") as studio:
        batch = studio.generate("a boat", model=f"diffusers:{HUB}", steps=50)
        assert hold.reached.wait(WAIT)
        batch.cancel()
        with pytest.raises(errors.Cancelled):
            batch.result(WAIT)
        hold.go.set()
        idle(provider)
        assert bench.pipe.steps_done == 2
        bench.pipe.at_step = lambda step: None
        again = studio.generate("a boat", model=f"diffusers:{HUB}", n=2, seed=11).result(WAIT)
        assert [generation.status for generation in again] == [Status.SUCCESS] * 2
        assert [call["generator"] for call in bench.pipe.calls[1:]] == [[11], [12]]
        assert [generation.seed for generation in again] == [11, 12]


def test_what_is_stopped_before_its_turn_loads_nothing(provider: Diffusers, bench: Bench) -> None:
    hold = Hold(bench.pipe)

    async def both(http: Any) -> None:
        first = asyncio.ensure_future(provider.submit(unit(7), http))
        await asyncio.to_thread(hold.reached.wait, WAIT)
        second = asyncio.ensure_future(provider.submit(unit(7, model="owner/other"), http))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        hold.go.set()
        assert await first

    caller(provider).run(both)
    idle(provider)
    assert "load owner/other" not in bench.log


def test_a_stop_while_loading_draws_nothing(provider: Diffusers, bench: Bench) -> None:
    loading, go = threading.Event(), threading.Event()

    def load() -> None:
        loading.set()
        assert go.wait(WAIT)

    bench.on_load = load

    async def leave(http: Any) -> None:
        drawing = asyncio.ensure_future(provider.submit(unit(7), http))
        await asyncio.to_thread(loading.wait, WAIT)
        drawing.cancel()
        await asyncio.gather(drawing, return_exceptions=True)

    caller(provider).run(leave)
    go.set()
    idle(provider)
    assert bench.pipe.calls == []


def test_the_end_of_the_process_waits_for_the_step_and_no_longer(provider: Diffusers, bench: Bench) -> None:
    hold = Hold(bench.pipe)

    async def leave(http: Any) -> None:
        drawing = asyncio.ensure_future(provider.submit(unit(7, steps=50), http))
        await asyncio.to_thread(hold.reached.wait, WAIT)
        provider._shelf.closing.set()
        hold.go.set()
        await asyncio.to_thread(provider._shelf.close)
        assert not drawing.done()
        drawing.cancel()
        await asyncio.gather(drawing, return_exceptions=True)

    caller(provider).run(leave)
    assert bench.pipe.steps_done == 2


# ------------------------------------------------------------------ one at a time


def test_one_pipeline_is_loaded_and_the_old_one_goes_first(bench: Bench) -> None:
    provider = Diffusers(shelf=Shelf(bench))
    for model in ("owner/a", "owner/a", "owner/b", "owner/a"):
        caller(provider).submit(unit(7, model=model))
    seen = [line for line in bench.log if line != "free"]
    assert seen == ["load owner/a", "tidy", "load owner/b", "tidy", "load owner/a"]


def test_a_pipeline_that_cannot_be_loaded_leaves_the_shelf_free(provider: Diffusers, bench: Bench) -> None:
    def fail() -> None:
        raise errors.ModelNotFound("gone", provider="diffusers")

    bench.on_load = fail
    with pytest.raises(errors.ModelNotFound):
        caller(provider).submit(unit(7))
    bench.on_load = lambda: None
    assert caller(provider).submit(unit(7)).images


def test_drawings_take_turns(provider: Diffusers, bench: Bench) -> None:
    at_once: list[int] = []
    inside = threading.Semaphore(1)

    def alone(step: int) -> None:
        at_once.append(1 if inside.acquire(blocking=False) else 2)
        inside.release()

    bench.pipe.at_step = alone

    async def both(http: Any) -> None:
        await asyncio.gather(*(provider.submit(unit(seed), http) for seed in range(4)))

    caller(provider).run(both)
    assert set(at_once) == {1}
    assert bench.log.count(f"load {HUB}") == 1


def test_memory_is_freed_on_demand_but_not_under_a_drawing(provider: Diffusers, bench: Bench) -> None:
    hold = Hold(bench.pipe)

    async def draw(http: Any) -> bool:
        drawing = asyncio.ensure_future(provider.submit(unit(7), http))
        await asyncio.to_thread(hold.reached.wait, WAIT)
        freed = provider.unload()
        hold.go.set()
        await drawing
        return freed

    assert caller(provider).run(draw) is False
    idle(provider)
    assert provider.unload() is True
    bench.pipe.at_step = lambda step: None
    caller(provider).submit(unit(7))
    assert bench.log.count(f"load {HUB}") == 2


# ------------------------------------------------------------------ models


def folder(path: Path, kind: object = "StableDiffusionXLPipeline") -> Path:
    path.mkdir(parents=True)
    (path / "model_index.json").write_text(json.dumps({"_class_name": kind}), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the Hub, so that the pipelines of this machine do not count."""
    cache = tmp_path / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    return cache


def default(spec: Any, name: str) -> Any:
    return spec.parameter(name).default


def test_a_folder_is_a_model_with_the_settings_of_its_class(tmp_path: Path) -> None:
    path = folder(tmp_path / "my model")
    spec = Diffusers().model(str(path))
    assert spec is not None
    assert (spec.id, spec.title, spec.description) == (str(path), "my model", "StableDiffusionXLPipeline")
    assert default(spec, "width") == 1024
    other = Diffusers().model(str(folder(tmp_path / "other", "NewPipeline")))
    assert other is not None
    assert (default(other, "width"), default(other, "steps")) == (None, None)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"_class_name": 3}'])
def test_a_strange_index_gives_the_general_settings(tmp_path: Path, content: str) -> None:
    path = folder(tmp_path / "strange")
    (path / "model_index.json").write_text(content, encoding="utf-8")
    spec = Diffusers().model(str(path))
    assert spec is not None
    assert spec.description == ""


def test_listed_models_come_first(tmp_path: Path) -> None:
    path = folder(tmp_path / "mine")
    listed = Diffusers(models=[path, HUB]).models()
    assert [spec.id for spec in listed[:2]] == [str(path), HUB]
    assert "*" not in [spec.id for spec in listed]


def test_any_repository_is_a_model_and_says_that_it_will_be_fetched() -> None:
    spec = Diffusers().model(HUB)
    assert spec is not None
    assert "downloads" in spec.notice
    for nonsense in ("*", "", "one", "a/b/c", "a b/c", "https://example.com/x", "x" * 5000):
        assert Diffusers().model(nonsense) is None


def test_what_lies_in_the_cache_is_found(empty_cache: Path) -> None:
    folder(empty_cache / "models--me--a--b" / "snapshots" / "abc", "StableDiffusionPipeline")
    (empty_cache / "models--me--text" / "snapshots" / "abc").mkdir(parents=True)
    found = {spec.id: spec for spec in caller(Diffusers()).run(Diffusers().discover)}
    assert "me/text" not in found
    assert default(found["me/a--b"], "width") == 512
    assert "downloads" not in found["me/a--b"].notice


def test_a_folder_without_a_pipeline_is_told(provider: Diffusers, bench: Bench, tmp_path: Path) -> None:
    for path in (tmp_path / "gone", tmp_path, "~nobody-of-this-name/model"):
        with pytest.raises(errors.ModelNotFound, match=r"model_index\.json"):
            caller(provider).submit(unit(7, model=str(path)))
    assert bench.log == []


def test_missing_packages_are_told_with_the_line_that_installs_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    provider = Diffusers(shelf=Shelf(Torch()))
    with open_studio(provider, store=tmp_path / "h.sqlite") as studio:
        batch = studio.generate("a boat", model=f"diffusers:{folder(tmp_path / 'p')}")
        with pytest.raises(errors.MissingExtra) as caught:
            batch.result(WAIT)
    assert 'pip install "imgplay-widget[diffusers]"' in str(caught.value)
    assert caught.value.retryable


def test_the_packages_are_checked_for_without_importing_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgplay_widget.providers.diffusers.torch.find_spec", lambda name: None)
    with pytest.raises(errors.MissingExtra, match="pip install"):
        caller(Diffusers()).run(Diffusers().check)
    assert list(Diffusers().models()) == []
    monkeypatch.setattr("imgplay_widget.providers.diffusers.torch.find_spec", lambda name: object())
    assert caller(Diffusers()).run(Diffusers().check) is None
    assert "stabilityai/stable-diffusion-xl-base-1.0" in [spec.id for spec in Diffusers().models()]


def test_seeds_and_references_are_what_the_catalog_says() -> None:
    spec = Diffusers().model(HUB)
    assert spec is not None
    assert spec.seed == "exact"
    assert spec.references is not None
    assert spec.references.max_count == 1
