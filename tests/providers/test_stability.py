"""The special features of Stability AI: forms, one address for a series, input images."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from imgplay_widget import catalog, errors
from imgplay_widget._types import Done, Inline, Missing, Pending, Reference
from imgplay_widget.providers.stability import Stability
from imgplay_widget.testing import png
from imgplay_widget.testing.server import Answer, ProviderServer, Received, answer
from tests.providers.conftest import Caller

PICTURE = Reference(digest="a" * 64, media_type="image/png", width=64, height=64)


def call(
    id: str,
    references: tuple[Reference, ...] = (),
    mask: Reference | None = None,
    prompt: str = "a paper boat",
    **params: Any,
) -> tuple[Received, Done]:
    image = {"image": b64encode(png()).decode(), "finish_reason": "SUCCESS", "seed": 123}
    with ProviderServer([answer(image)]) as server:
        provider = Stability(server.origin)
        spec = provider.model(id)
        assert spec is not None
        request = catalog.make_request(spec, prompt=prompt, params=params, references=references, mask=mask)
        (unit,) = provider.plan(request, spec, None if spec.seed == "none" else 5)
        done = Caller(provider, files={PICTURE.digest: b"bytes"}).submit(unit)
    return server.requests[0], done


def test_a_form_is_sent_even_without_a_file() -> None:
    received, done = call("core", aspect_ratio="16:9", style="origami")
    assert received.path == "/v2beta/stable-image/generate/core"
    assert received.headers["content-type"].startswith("multipart/form-data")
    assert received.headers["accept"] == "application/json"
    assert received.form() == {
        "prompt": [b"a paper boat"],
        "aspect_ratio": [b"16:9"],
        "style_preset": [b"origami"],
        "output_format": [b"png"],
        "seed": [b"5"],
    }
    assert done.images[0].applied == {"seed": 123}


def test_the_3_series_shares_an_address() -> None:
    received, _ = call("sd3.5-medium", cfg=4.5)
    form = received.form()
    assert received.path == "/v2beta/stable-image/generate/sd3"
    assert (form["model"], form["mode"], form["cfg_scale"]) == (
        [b"sd3.5-medium"],
        [b"text-to-image"],
        [b"4.5"],
    )


def test_an_input_image_is_repainted_by_a_strength_that_is_told() -> None:
    received, done = call("sd3.5-large", (PICTURE,))
    form = received.form()
    assert (form["image"], form["mode"], form["strength"]) == ([b"bytes"], [b"image-to-image"], [b"0.5"])
    assert "aspect_ratio" not in form
    assert done.images[0].applied["strength"] == 0.5
    chosen, done = call("ultra", (PICTURE,), strength=0.8)
    assert chosen.form()["strength"] == [b"0.8"]
    assert "strength" not in done.images[0].applied


@pytest.mark.parametrize(
    ("id", "params", "fields"),
    [
        ("edit/outpaint", {"left": 200, "bottom": 64, "creativity": 0.8},
         {"left": "200", "right": "0", "up": "0", "down": "64", "creativity": "0.8"}),
        ("edit/search-and-replace", {"search_prompt": "the cat", "grow_mask": 0},
         {"search_prompt": "the cat", "grow_mask": "0"}),
        ("edit/search-and-recolor", {"select_prompt": "the car"},
         {"select_prompt": "the car", "grow_mask": "3"}),
        ("control/sketch", {"control_strength": 0.4}, {"control_strength": "0.4"}),
        ("control/structure", {"style": "anime"}, {"control_strength": "0.7", "style_preset": "anime"}),
        ("control/style", {"aspect_ratio": "16:9"}, {"aspect_ratio": "16:9", "fidelity": "0.5"}),
        ("upscale/conservative", {"negative_prompt": "blur"},
         {"creativity": "0.35", "negative_prompt": "blur"}),
    ],
)  # fmt: skip
def test_a_change_of_an_image_has_an_address_of_its_own(
    id: str, params: dict[str, Any], fields: dict[str, str]
) -> None:
    received, done = call(id, (PICTURE,), **params)
    assert received.path == f"/v2beta/stable-image/{id}"
    common = {"prompt": "a paper boat", "image": "bytes", "output_format": "png", "seed": "5"}
    assert received.form() == {name: [value.encode()] for name, value in (common | fields).items()}
    assert done.images[0].applied == {"seed": 123}
    with pytest.raises(errors.InvalidRequest, match="needs at least 1"):
        call(id, **params)


def test_the_masked_part_of_an_image_is_painted() -> None:
    mask = Reference(digest="b" * 64, media_type="image/png", width=64, height=64)
    form = call("edit/inpaint", (PICTURE,), mask)[0].form()
    assert (form["image"], form["mask"], form["grow_mask"]) == ([b"bytes"], [b"white b"], [b"5"])


@pytest.mark.parametrize("id", ["edit/remove-background", "upscale/fast"])
def test_a_call_without_words_has_no_prompt_and_no_seed(id: str) -> None:
    received, done = call(id, (PICTURE,), prompt="")
    assert received.path == f"/v2beta/stable-image/{id}"
    assert received.form() == {"image": [b"bytes"], "output_format": [b"png"]}
    assert len(done.images) == 1
    with pytest.raises(errors.InvalidRequest, match="takes no words"):
        call(id, (PICTURE,))


def test_what_a_mask_covers_is_erased_without_words() -> None:
    mask = Reference(digest="b" * 64, media_type="image/png", width=64, height=64)
    form = call("edit/erase", (PICTURE,), mask, prompt="")[0].form()
    assert (form["image"], form["mask"], form["grow_mask"]) == ([b"bytes"], [b"white b"], [b"5"])
    assert "prompt" not in form
    with pytest.raises(errors.InvalidRequest, match="needs a mask"):
        call("edit/erase", (PICTURE,), prompt="")


def test_an_image_that_is_too_large_is_refused_before_the_call() -> None:
    large = Reference(digest="a" * 64, media_type="image/png", width=1025, height=1024)
    with pytest.raises(errors.InvalidRequest, match=r"1\.0 megapixels"):
        call("upscale/fast", (large,), prompt="")


def test_an_image_that_is_extended_to_no_side_is_refused_before_the_call() -> None:
    with pytest.raises(errors.InvalidRequest, match="left, right, top, bottom are all 0"):
        call("edit/outpaint", (PICTURE,))


def job(id: str, *polls: Answer, **params: Any) -> tuple[list[Received], Pending | Done]:
    with ProviderServer([answer({"id": "job-1"}), *polls]) as server:
        provider = Stability(server.origin)
        spec = provider.model(id)
        assert spec is not None
        request = catalog.make_request(spec, prompt="a beach", params=params, references=(PICTURE,))
        (unit,) = provider.plan(request, spec, 5)
        caller = Caller(provider, files={PICTURE.digest: b"bytes"})
        found = caller.run(lambda http: provider.submit(unit, http))
        assert isinstance(found, Pending)
        assert found.retry_after == 10
        ticket = found.ticket
        for _ in polls:
            found = caller.run(lambda http: provider.poll(ticket, http))
    return server.requests, found


@pytest.mark.parametrize("field", ["image", "result"])
def test_a_creative_upscale_is_a_job(field: str) -> None:
    image = {field: b64encode(png()).decode(), "finish_reason": "SUCCESS", "seed": 5}
    running = answer({"id": "job-1", "status": "in-progress"}, 202)
    requests, done = job("upscale/creative", running, answer(image), creativity=0.2)
    assert [request.path for request in requests] == [
        "/v2beta/stable-image/upscale/creative",
        "/v2beta/results/job-1",
        "/v2beta/results/job-1",
    ]
    assert requests[0].form()["creativity"] == [b"0.2"]
    assert requests[1].headers["accept"] == "application/json"
    assert isinstance(done, Done)
    assert done.images[0] == Inline(data=png(), applied={"seed": 5})


def test_a_new_background_has_fields_of_its_own() -> None:
    image = {"image": b64encode(png()).decode(), "finish_reason": "SUCCESS", "seed": 5}
    requests, _ = job(
        "edit/replace-background-and-relight",
        answer(image),
        light_source_direction="above",
        light_source_strength=0.5,
        keep_original_background=True,
    )
    form = requests[0].form()
    assert "prompt" not in form
    assert "image" not in form
    assert (form["background_prompt"], form["subject_image"]) == ([b"a beach"], [b"bytes"])
    assert (form["keep_original_background"], form["light_source_strength"]) == ([b"true"], [b"0.5"])
    with pytest.raises(errors.InvalidRequest, match="there is none"):
        job("edit/replace-background-and-relight", light_source_strength=0.5)


def test_a_job_that_failed_or_is_gone_says_so() -> None:
    filtered = {"image": b64encode(png()).decode(), "finish_reason": "CONTENT_FILTERED", "seed": 5}
    _, done = job("upscale/creative", answer(filtered))
    assert isinstance(done, Done)
    assert isinstance(done.images[0], Missing)
    with pytest.raises(errors.Lost):
        job("upscale/creative", answer({"id": "e1", "name": "not_found", "errors": ["gone"]}, 404))
    with pytest.raises(errors.ServerError):
        job("upscale/creative", answer({"id": "e1", "name": "internal_error", "errors": ["oops"]}, 500))
    with ProviderServer([answer({"nothing": 1})]) as server:
        provider = Stability(server.origin)
        spec = provider.model("upscale/creative")
        assert spec is not None
        request = catalog.make_request(spec, prompt="a beach", params={}, references=(PICTURE,))
        (unit,) = provider.plan(request, spec, 5)
        with pytest.raises(errors.BadResponse, match="names no job"):
            Caller(provider, files={PICTURE.digest: b"bytes"}).submit(unit)


@pytest.mark.parametrize(
    ("id", "name"),
    [("edit/search-and-replace", "search_prompt"), ("edit/search-and-recolor", "select_prompt")],
)
def test_what_shall_change_must_be_said_before_a_call(id: str, name: str) -> None:
    for params in ({}, {name: " "}):
        with pytest.raises(errors.InvalidRequest, match=f"{name} is missing"):
            call(id, (PICTURE,), **params)


def test_what_has_no_meaning_is_refused_before_it_is_sent() -> None:
    with pytest.raises(errors.InvalidRequest, match="aspect_ratio"):
        call("ultra", (PICTURE,), aspect_ratio="1:1")
    with pytest.raises(errors.InvalidRequest, match="strength"):
        call("ultra", strength=0.5)


def test_a_seed_is_never_0_which_would_mean_any() -> None:
    with pytest.raises(errors.InvalidRequest, match="seed"):
        call("core", seed=0)


def test_the_turbo_model_has_no_negative_prompt() -> None:
    with pytest.raises(errors.UnknownParameter, match="negative_prompt"):
        call("sd3.5-large-turbo", negative_prompt="people")


def test_a_newer_model_of_the_series_needs_no_new_version_of_ours() -> None:
    provider = Stability()
    assert provider.model("sd3.9-huge").parameter("cfg") is not None
    assert provider.model("other") is None


def test_check_asks_for_the_balance() -> None:
    refused = answer({"id": "e1", "name": "unauthorized", "errors": ["bad key"]}, 401)
    with ProviderServer([answer({"credits": 12.5}), refused]) as server:
        provider = Stability(server.origin)
        Caller(provider).run(provider.check)
        with pytest.raises(errors.BadKey, match="bad key"):
            Caller(provider).run(provider.check)
    assert server.requests[0].path == "/v1/user/balance"
