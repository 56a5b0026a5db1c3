"""The demo provider: its pictures, and each way in which it behaves."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageOps, ImageStat

from imgplay_widget import catalog, errors
from imgplay_widget._types import Inline, Missing, Partial, Pending, Reference, Unit
from imgplay_widget.providers.demo import Demo
from tests.providers.conftest import Caller

SMALL = {"width": 256, "height": 256}


class Server(Demo):
    """The demo with a clock that the test sets, and with waits that it records."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []
        super().__init__(sleep=self._wait, clock=lambda: self.now)

    async def _wait(self, seconds: float) -> None:
        self.waits.append(seconds)


def unit(model: str, *seeds: int | None, prompt: str = "a red fox in snow", **params: Any) -> Unit:
    seeds = seeds or (7,)
    return Unit(
        model=model,
        prompt=prompt,
        params={**SMALL, **params},
        positions=tuple(range(len(seeds))),
        seeds=seeds,
        key="k",
    )


def submit(what: Unit, provider: Demo | None = None, **options: Any) -> Any:
    return Caller(provider or Server(), key=None, **options).submit(what)


def opened(image: Any) -> Image.Image:
    assert isinstance(image, Inline)
    picture = Image.open(io.BytesIO(image.data))
    picture.load()
    return picture


def test_the_same_words_and_seed_give_the_same_bytes() -> None:
    first, second = submit(unit("instant", 7, 8)).images
    assert first.data == submit(unit("instant", 7)).images[0].data
    assert first.data != second.data
    assert first.data != submit(unit("instant", 7, prompt="a black cat")).images[0].data
    assert first.data != submit(unit("instant", 7, style="duotone")).images[0].data


@pytest.mark.parametrize(
    "prompt",
    [
        "sunset over the sea",
        "a mountain lake at night with aurora",
        "forest in mist",
        "city at night",
        "desert dunes, birds",
        "galaxy with a planet",
        "a pink flower in a meadow",
        "a white boat, golden morning",
        "black cat under the moon",
        "purple dream",
        "???",
    ],
)
@pytest.mark.parametrize("size", [(256, 256), (1024, 256), (256, 640)])
def test_every_scene_can_be_drawn_in_every_shape(prompt: str, size: tuple[int, int]) -> None:
    picture = opened(submit(unit("instant", prompt=prompt, width=size[0], height=size[1])).images[0])
    assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", size)
    assert picture.info == {}
    assert len(picture.resize((32, 32)).getcolors(1024)) > 60


def test_colour_words_set_the_colours() -> None:
    def average(prompt: str) -> tuple[int, ...]:
        return (
            opened(submit(unit("instant", prompt=prompt)).images[0])
            .resize((1, 1), Image.Resampling.BOX)
            .getpixel((0, 0))
        )

    red, blue = average("red abstract"), average("blue abstract")
    assert red[0] > red[2]
    assert blue[2] > blue[0]


def test_unwanted_things_stay_out() -> None:
    assert (
        submit(unit("instant", prompt="forest and fox", negative_prompt="fox")).images[0].data
        != submit(unit("instant", prompt="forest and fox")).images[0].data
    )


def test_vivid_and_grain_change_the_finish() -> None:
    plain = submit(unit("instant")).images[0].data
    assert plain != submit(unit("instant", vivid=0.0)).images[0].data
    assert plain != submit(unit("instant", grain=False)).images[0].data


def test_instant_draws_several_images_in_one_call() -> None:
    spec = Demo().model("instant")
    assert spec is not None
    request = catalog.make_request(spec, prompt="x", n=6, params={}, max_count=8)
    units = Demo().plan(request, spec, 2**31 - 2)
    assert [u.n for u in units] == [4, 2]
    assert units[0].seeds == (2**31 - 2, 2**31 - 1, 0, 1)
    assert units[1].positions == (4, 5)


def test_slow_shows_progress_and_previews() -> None:
    provider = Server()
    partials, done = Caller(provider, key=None).stream(unit("slow", steps=8, seconds=4.0))
    assert provider.waits == [0.5] * 8
    assert [partial.progress for partial in partials] == [i / 8 for i in range(1, 9)]
    looks = [partial.data for partial in partials if partial.data]
    assert len(looks) == 6
    assert len(set(looks)) == 6
    for look in looks:
        assert Image.open(io.BytesIO(look)).size == (256, 256)
    assert opened(done.images[0]).size == (256, 256)
    assert all(isinstance(partial, Partial) for partial in partials)


def test_slow_does_not_wait_where_no_time_is_asked_for() -> None:
    provider = Server()
    assert submit(unit("slow", seconds=0), provider).images
    assert provider.waits == []


def test_references_are_woven_in() -> None:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(out, "PNG")
    reference = Reference(digest="r", media_type="image/png", width=64, height=64)
    plain = unit("slow", seconds=0)
    woven = Unit(**{name: getattr(plain, name) for name in plain.__slots__} | {"references": (reference,)})
    files = {"r": out.getvalue()}
    assert submit(woven, files=files).images[0].data != submit(plain).images[0].data
    with pytest.raises(errors.BadRequest, match="reference"):
        submit(woven, files={"r": b"no image"})


def changed(model: str, picture: Image.Image, *, mask: bytes | None = None, **fields: Any) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "PNG")
    reference = Reference(digest="a", media_type="image/png", width=picture.width, height=picture.height)
    words = {name: fields.pop(name) for name in ("prompt",) if name in fields}
    what = Unit(
        model=model,
        prompt=words.get("prompt", ""),
        params=fields,
        positions=(0,),
        seeds=(7,),
        references=(reference,),
        mask=None if mask is None else reference,
        key="k",
    )
    return opened(submit(what, files={"a": file.getvalue()}, mask=mask).images[0])


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_upscale_keeps_the_picture_and_its_transparency(mode: str) -> None:
    picture = Image.radial_gradient("L").resize((64, 48)).convert(mode)
    large = changed("upscale", picture, scale=3)
    assert large.size == (192, 144)
    if mode != "P":
        assert large.mode == mode
    back = large.resize(picture.size, Image.Resampling.BOX).convert("L")
    differences = ImageChops.difference(back, picture.convert("L"))
    assert ImageStat.Stat(differences).mean[0] < 4


@pytest.mark.parametrize("prompt", ["", "a blue sea"])
def test_extend_adds_sides_and_leaves_the_picture_as_it_is(prompt: str) -> None:
    picture = Image.effect_noise((64, 48), 90).convert("RGB")
    wide = changed("extend", picture, left=100, right=7, top=0, bottom=60, prompt=prompt)
    assert wide.size == (171, 108)
    assert wide.crop((100, 0, 164, 48)).tobytes() == picture.tobytes()
    beside = wide.crop((36, 0, 100, 48))
    assert (beside.tobytes() == ImageOps.mirror(picture).tobytes()) == (not prompt)


def test_retouch_changes_only_what_the_mask_has() -> None:
    picture = Image.new("RGB", (96, 64), "#808080")
    area = Image.new("L", picture.size, 0)
    area.paste(255, (0, 0, 48, 64))
    file = io.BytesIO()
    area.save(file, "PNG")
    new = changed("retouch", picture, mask=file.getvalue(), prompt="a red fox")
    assert new.crop((48, 0, 96, 64)).tobytes() == picture.crop((48, 0, 96, 64)).tobytes()
    assert new.crop((0, 0, 30, 64)).tobytes() != picture.crop((0, 0, 30, 64)).tobytes()


def test_a_queued_job_is_found_again_by_its_ticket_alone() -> None:
    before = Server()
    pending = submit(unit("queue", 3, seconds=10), before)
    assert isinstance(pending, Pending)
    ticket = json.loads(json.dumps(pending.ticket))
    after = Server()

    def poll(seconds: float) -> Any:
        after.now = 1000.0 + seconds
        return Caller(after, key=None).run(lambda http: after.poll(ticket, http))

    waiting = [poll(at).queue_position for at in (0.0, 2.9)]
    assert waiting == [3, 1]
    working = [poll(at) for at in (3.0, 6.5)]
    assert [item.queue_position for item in working] == [None, None]
    assert [item.progress for item in working] == [pytest.approx(0.0), pytest.approx(0.5)]
    assert poll(10.0).images[0].data == submit(unit("instant", 3)).images[0].data
    assert Caller(after, key=None).run(lambda http: after.cancel(ticket, http)) == "cancelled"


def test_a_clock_that_went_back_does_not_break_a_job() -> None:
    provider = Server()
    ticket = submit(unit("queue", seconds=10), provider).ticket
    provider.now -= 500
    assert Caller(provider, key=None).run(lambda http: provider.poll(ticket, http)).queue_position == 3


RAISED = {
    "moderated": errors.Moderated,
    "rate_limited": errors.RateLimited,
    "overloaded": errors.Overloaded,
    "server_error": errors.ServerError,
    "network": errors.NetworkError,
    "bad_key": errors.BadKey,
    "billing": errors.BillingError,
    "bad_request": errors.BadRequest,
    "no_image": errors.NoImage,
    "deadline": errors.DeadlineExceeded,
}


@pytest.mark.parametrize("failure", RAISED)
def test_broken_fails_as_asked_and_says_so(failure: str) -> None:
    with pytest.raises(RAISED[failure]) as caught:
        submit(unit("broken", None, failure=failure))
    assert "The demo was asked to fail in this way" in caught.value.message
    assert caught.value.provider == "demo"


def test_every_failure_that_the_form_offers_exists() -> None:
    choices = Demo().model("broken").parameter("failure").choices
    assert set(choices) == {*RAISED, "corrupt_image", "fewer", "lost"}


def test_broken_can_give_one_image_fewer() -> None:
    done = submit(unit("broken", None, None, None, failure="fewer"))
    assert [type(image) for image in done.images] == [Inline, Inline, Missing]
    assert done.images[0].data != done.images[1].data


def test_broken_can_damage_an_image() -> None:
    (image,) = submit(unit("broken", None, failure="corrupt_image")).images
    with pytest.raises(OSError, match="truncated"):
        opened(image)


def test_broken_can_lose_a_job() -> None:
    provider = Server()
    pending = submit(unit("broken", None, failure="lost"), provider)
    with pytest.raises(errors.Lost):
        Caller(provider, key=None).run(lambda http: provider.poll(pending.ticket, http))
