"""Local pipelines with real torch and diffusers: tiny ones with random weights, made without a download.

Run them with ``make test-diffusers``, which installs the packages into an environment of its own. They use a
CUDA device if there is one.
"""

from __future__ import annotations

import asyncio
import inspect
import io
import json
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from imgplay_widget import errors
from imgplay_widget._types import Reference, Status, Unit
from imgplay_widget.providers.diffusers import Diffusers
from imgplay_widget.providers.diffusers.pipelines import Shelf
from imgplay_widget.providers.diffusers.torch import Torch
from imgplay_widget.testing import open_studio, png
from tests.providers.conftest import Caller

# The libraries warn about themselves in their own time.
pytestmark = [pytest.mark.diffusers, pytest.mark.filterwarnings("default")]

WAIT = 60
"""Seconds after which a test gives up."""

SIZE = {"width": 64, "height": 64}

ROUNDING = 2
"""The most by which a channel may differ between two runs of the same drawing: batches are summed
in another order."""


def tokenizer(folder: Path) -> Any:
    """A CLIP tokenizer that spells words out, byte by byte."""
    from transformers import CLIPTokenizer

    printable = [chr(code) for code in (*range(33, 127), *range(161, 173), *range(174, 256))]
    symbols = printable + [chr(256 + i) for i in range(256 - len(printable))]
    words = [*symbols, *(f"{symbol}</w>" for symbol in symbols), "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True)
    vocabulary = json.dumps({word: number for number, word in enumerate(words)})
    (folder / "vocab.json").write_text(vocabulary, encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    return CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77)


def decoder(channels: int, **options: Any) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=[4, 8],
        down_block_types=["DownEncoderBlock2D"] * 2,
        up_block_types=["UpDecoderBlock2D"] * 2,
        latent_channels=channels,
        norm_num_groups=2,
        **options,
    )


def stable_diffusion(folder: Path) -> Any:
    import torch
    from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        block_out_channels=(4, 8),
        layers_per_block=1,
        sample_size=32,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=8,
        norm_num_groups=2,
    )
    words = CLIPTextConfig(
        hidden_size=8,
        intermediate_size=16,
        num_attention_heads=2,
        num_hidden_layers=2,
        vocab_size=514,
        bos_token_id=512,
        eos_token_id=513,
    )
    return StableDiffusionPipeline(
        unet=unet,
        vae=decoder(4),
        scheduler=DDIMScheduler(steps_offset=1, clip_sample=False),
        text_encoder=CLIPTextModel(words),
        tokenizer=tokenizer(folder / "words"),
        safety_checker=None,
        feature_extractor=None,
        image_encoder=None,
        requires_safety_checker=False,
    )


def flux() -> Any:
    """A FLUX pipeline without its text encoders, which gets fixed embeddings instead."""
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel

    class Fixed(FluxPipeline):
        def __call__(self, prompt: str = "", **options: Any) -> Any:
            words, pooled = torch.zeros(1, 48, 32), torch.zeros(1, 32)
            options |= {"prompt_embeds": words, "pooled_prompt_embeds": pooled}
            return FluxPipeline.__call__(self, **options)

    # Drawings read the arguments of the call.
    vars(Fixed)["__call__"].__signature__ = inspect.signature(FluxPipeline.__call__)
    torch.manual_seed(0)
    transformer = FluxTransformer2DModel(
        patch_size=1,
        in_channels=4,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        axes_dims_rope=[4, 4, 8],
    )
    return Fixed(
        transformer=transformer,
        vae=decoder(1, shift_factor=0.1, use_quant_conv=False, use_post_quant_conv=False),
        scheduler=FlowMatchEulerDiscreteScheduler(),
        text_encoder=None,
        text_encoder_2=None,
        tokenizer=None,
        tokenizer_2=None,
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a tiny Stable Diffusion, as save_pretrained writes it."""
    folder = tmp_path_factory.mktemp("tiny")
    stable_diffusion(folder).save_pretrained(folder / "model")
    return str(folder / "model")


@pytest.fixture(autouse=True)
def nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("nothing may be fetched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="module")
def provider() -> Iterator[Diffusers]:
    # Full precision, so that a seed gives the same image on each device that runs the tests.
    provider = Diffusers(dtype="float32", shelf=Shelf(Torch()))
    yield provider
    assert provider.unload()


def unit(model: str, *seeds: int, references: int = 0, **params: Any) -> Unit:
    seeds = seeds or (7,)
    inputs = (Reference(digest="r", media_type="image/png", width=48, height=32),) * references
    return Unit(
        model=model,
        prompt="a paper boat",
        params={**SIZE, "steps": 4, **params},
        positions=tuple(range(len(seeds))),
        seeds=seeds,
        references=inputs,
        key="k",
    )


def caller(provider: Diffusers) -> Caller:
    return Caller(provider, key=None, files={"r": png(48, 32)})


def opened(image: Any) -> Image.Image:
    return Image.open(io.BytesIO(image.data)).convert("RGB")


def difference(first: Any, second: Any) -> int:
    bands = ImageChops.difference(opened(first), opened(second)).getextrema()
    return max(high for _, high in bands)


def test_a_seed_gives_its_image_whatever_its_place(provider: Diffusers, model: str) -> None:
    alone = caller(provider).submit(unit(model, 3)).images[0]
    again = caller(provider).submit(unit(model, 3)).images[0]
    pair = caller(provider).submit(unit(model, 9, 3)).images
    assert opened(alone).size == (64, 64)
    assert difference(alone, again) <= ROUNDING
    assert difference(alone, pair[1]) <= ROUNDING
    assert difference(alone, pair[0]) > 10 * ROUNDING


def test_each_step_is_told_and_previews_come(provider: Diffusers, model: str) -> None:
    partials, done = caller(provider).stream(unit(model, steps=5))
    assert [partial.progress for partial in partials] == [pytest.approx(i / 5) for i in range(1, 6)]
    look = Image.open(io.BytesIO(next(partial.data for partial in partials if partial.data)))
    assert (look.format, look.size) == ("JPEG", (64, 64))
    assert len(done.images) == 1


def test_guidance_words_and_scheduler_change_the_image(provider: Diffusers, model: str) -> None:
    plain = caller(provider).submit(unit(model)).images[0]
    for change in ({"cfg": 20.0}, {"negative_prompt": "fog and rain"}, {"scheduler": "euler_ancestral"}):
        assert difference(plain, caller(provider).submit(unit(model, **change)).images[0]) > ROUNDING
    assert difference(plain, caller(provider).submit(unit(model)).images[0]) <= ROUNDING


def test_a_reference_and_its_strength_count(provider: Diffusers, model: str) -> None:
    weak, strong = (
        caller(provider).stream(unit(model, references=1, strength=strength, steps=10))
        for strength in (0.2, 1.0)
    )
    assert (len(weak[0]), len(strong[0])) == (2, 10)
    assert opened(weak[1].images[0]).size == (64, 64)
    assert difference(weak[1].images[0], strong[1].images[0]) > ROUNDING


def test_what_the_pipeline_refuses_is_told_in_its_words(provider: Diffusers, model: str) -> None:
    with pytest.raises(errors.BadRequest, match="divisible by 8"):
        caller(provider).submit(unit(model, width=60))
    assert caller(provider).submit(unit(model)).images


def test_closing_the_stream_stops_a_long_job_and_the_next_one_draws(provider: Diffusers, model: str) -> None:
    async def look_once(http: Any) -> None:
        stream = provider.stream(unit(model, steps=200), http)
        assert stream is not None
        await anext(stream)
        await stream.aclose()

    before = caller(provider).submit(unit(model)).images[0]
    threads = threading.active_count()
    caller(provider).run(look_once)
    after = caller(provider).submit(unit(model)).images[0]
    assert difference(before, after) <= ROUNDING
    assert threading.active_count() <= threads + 1


def test_a_studio_draws_cancels_and_draws_again(provider: Diffusers, model: str, tmp_path: Path) -> None:
    with open_studio(provider, store=tmp_path / "h.sqlite") as studio:
        name = f"diffusers:{model}"
        batch = studio.generate("a boat", model=name, n=2, seed=5, steps=3, **SIZE).result(WAIT)
        assert [generation.status for generation in batch] == [Status.SUCCESS] * 2
        assert [generation.seed for generation in batch] == [5, 6]
        long = studio.generate("a boat", model=name, steps=200, **SIZE)
        long.cancel()
        with pytest.raises(errors.Cancelled):
            long.result(WAIT)
        assert studio.generate("a boat", model=name, steps=3, **SIZE).result(WAIT)[0].bytes


def test_the_loop_stays_free_while_it_draws(provider: Diffusers, model: str) -> None:
    """The pipeline computes beside the loop, not on it."""

    async def tick(http: Any) -> int:
        ticks = 0
        drawing = asyncio.ensure_future(provider.submit(unit(model, steps=10), http))
        while not drawing.done():
            await asyncio.sleep(0.005)
            ticks += 1
        assert (await drawing).images
        return ticks

    caller(provider).submit(unit(model))
    assert caller(provider).run(tick) >= 5


def test_packed_latents_give_previews_and_the_image() -> None:
    class Ready(Torch):
        def load(self, source: str, setup: Any) -> Any:
            pipe = flux()
            pipe.set_progress_bar_config(disable=True)
            return pipe

    provider = Diffusers(device="cpu", shelf=Shelf(Ready()))
    partials, done = caller(provider).stream(unit("owner/flux", steps=3))
    assert any(partial.data for partial in partials)
    assert opened(done.images[0]).size == (64, 64)
    with pytest.raises(errors.BadRequest, match="negative_prompt"):
        caller(provider).submit(unit("owner/flux", negative_prompt="fog"))


def test_offline_an_unknown_repository_is_told(provider: Diffusers, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(errors.ModelNotFound, match="offline"):
        caller(provider).submit(unit("nobody/nothing-of-this-name"))


def test_without_a_network_an_unknown_repository_is_told(
    provider: Diffusers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    with pytest.raises(errors.NetworkError) as caught:
        caller(provider).submit(unit("nobody/nothing-of-this-name"))
    assert not caught.value.maybe_billed


def test_pickled_weights_are_not_loaded(provider: Diffusers, model: str, tmp_path: Path) -> None:
    import torch

    path = tmp_path / "pickled"
    shutil.copytree(model, path)
    weights = path / "unet" / "diffusion_pytorch_model.safetensors"
    weights.unlink()
    torch.save({}, weights.with_suffix(".bin"))
    with pytest.raises(errors.ModelNotFound, match="holds no pipeline"):
        caller(provider).submit(unit(str(path)))


def test_loading_and_drawing_print_nothing(model: str, capfd: pytest.CaptureFixture[str]) -> None:
    provider = Diffusers(dtype="float32", shelf=Shelf(Torch()))
    capfd.readouterr()
    caller(provider).submit(unit(model))
    written = capfd.readouterr()
    assert "it/s" not in written.err
    assert "%|" not in written.err
    assert written.out == ""
