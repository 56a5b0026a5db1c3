"""The special features of the clouds whose call is one POST of JSON: sizes, ids and lists."""

from __future__ import annotations

from typing import Any

import pytest

from imgplay_widget import catalog, errors
from imgplay_widget._types import Missing, Pending, Reference, Remote, Unit
from imgplay_widget.providers import Provider
from imgplay_widget.providers.hunyuan import Hunyuan
from imgplay_widget.providers.minimax import MiniMax
from imgplay_widget.providers.qwen import Qwen
from imgplay_widget.providers.siliconflow import SiliconFlow
from imgplay_widget.providers.volcengine import Volcengine
from imgplay_widget.providers.zhipu import Zhipu
from imgplay_widget.testing.server import ProviderServer, answer
from tests.providers.conftest import Caller

LINK = "https://files.example/1.png"
DATA = {"data": [{"url": LINK}]}


def unit_of(model: str, n: int = 1, seed: int | None = None, **params: Any) -> Unit:
    return Unit(
        model=model,
        prompt="a paper boat",
        params=params,
        positions=tuple(range(n)),
        seeds=(seed,) * n,
        key="unit-1",
    )


def sent(make: type[Provider], unit: Unit, said: Any) -> Any:
    """Return the JSON of a call, and its result."""
    with ProviderServer([answer(said)]) as server:
        done = Caller(make(server.origin)).submit(unit)  # type: ignore[call-arg]
    return server.requests[0].json(), done


@pytest.mark.parametrize(
    ("make", "model", "said", "size"),
    [
        (Volcengine, "doubao-seedream-5-0-pro-260628", DATA, "1024x2048"),
        (Zhipu, "glm-image", DATA, "1024x2048"),
        (Hunyuan, "hy-image-v3", DATA, "1024x2048"),
    ],
)
def test_a_size_is_one_field(make: type[Provider], model: str, said: Any, size: str) -> None:
    body, done = sent(make, unit_of(model, width=1024, height=2048), said)
    assert body["size"] == size
    assert not {"width", "height"} & set(body)
    assert done.images == (Remote(url=LINK),)


def test_qwen_writes_a_size_with_a_star_and_leaves_it_out_where_the_model_chooses() -> None:
    said = {"output": {"choices": [{"message": {"content": [{"image": LINK}]}}]}, "usage": {"width": 9}}
    body, done = sent(Qwen, unit_of("qwen-image-3.0", width=1024, height=2048, negative_prompt="fog"), said)
    assert body["parameters"] == {"n": 1, "size": "1024*2048", "negative_prompt": "fog"}
    assert done.usage == {"width": 9}
    body, _ = sent(Qwen, unit_of("qwen-image-3.0", seed=0), said)
    assert body["parameters"] == {"n": 1, "seed": 0}
    body, _ = sent(Qwen, unit_of("z-image-turbo", prompt_expansion=False), said)
    assert body["parameters"] == {"prompt_extend": False}


def test_parameters_have_the_names_of_the_wire() -> None:
    said = {"images": [{"url": LINK}], "seed": 7}
    params = {"size": "1024x1024", "steps": 8, "cfg": 2.5}
    body, done = sent(SiliconFlow, unit_of("Kwai-Kolors/Kolors", seed=7, **params), said)
    assert body == {
        "model": "Kwai-Kolors/Kolors",
        "prompt": "a paper boat",
        "image_size": "1024x1024",
        "num_inference_steps": 8,
        "guidance_scale": 2.5,
        "seed": 7,
    }
    assert done.images[0].applied == {"seed": 7}


def test_the_newest_hunyuan_gets_a_message_with_its_input_images() -> None:
    said = {
        "choices": [{"delta": {"type": "image", "image": {"url": LINK, "width": 64}}}],
        "request_id": "r-7",
    }
    image = Reference(digest="a" * 64, media_type="image/png", width=64, height=64)
    with ProviderServer([answer(said)]) as server:
        provider = Hunyuan(server.origin)
        spec = provider.model("hy-image-v3.5-preview")
        assert spec is not None
        request = catalog.make_request(
            spec,
            prompt="a paper boat",
            params={"width": 4096, "height": 4096, "watermark": "AI"},
            references=[image],
        )
        (unit,) = provider.plan(request, spec, 7)
        done = Caller(provider, files={image.digest: b"first"}).submit(unit)
    (received,) = server.requests
    assert received.path == "/wand/hunyuan-image/v35-generation"
    assert received.json() == {
        "model": "hy-image-v3.5-preview",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,Zmlyc3Q="}},
                    {"type": "text", "text": "a paper boat"},
                ],
            }
        ],
        "size": "4096x4096",
        "seed": 7,
        "footnote": "AI",
    }
    assert done.images == (Remote(url=LINK),)
    assert done.request_id == "r-7"


def test_a_style_of_minimax_is_an_object_and_its_weight_alone_is_not_sent() -> None:
    said = {"data": {"image_urls": [LINK]}, "base_resp": {"status_code": 0}}
    body, _ = sent(
        MiniMax, unit_of("image-01-live", style="水彩", style_weight=0.5, aspect_ratio="3:2"), said
    )
    assert body["style"] == {"style_type": "水彩", "style_weight": 0.5}
    assert (body["model"], body["aspect_ratio"]) == ("image-01-live", "3:2")
    body, _ = sent(MiniMax, unit_of("image-01-live", style_weight=0.5), said)
    assert "style" not in body


@pytest.mark.parametrize(
    ("model", "params", "wanted"),
    [
        ("qwen-image-plus", {"size": "1328*1328"}, {"n": 1, "size": "1328*1328"}),
        ("qwen-image-max", {"width": 2048, "height": 1024}, {"n": 1, "size": "2048*1024"}),
        ("qwen-image-edit", {"negative_prompt": "fog"}, {"n": 1, "negative_prompt": "fog"}),
        ("qwen-image-edit-plus", {"prompt_expansion": False}, {"n": 1, "prompt_extend": False}),
    ],
)
def test_the_older_models_of_qwen_answer_at_once(
    model: str, params: dict[str, Any], wanted: dict[str, Any]
) -> None:
    said = {"output": {"choices": [{"message": {"content": [{"image": LINK}]}}]}}
    with ProviderServer([answer(said)]) as server:
        done = Caller(Qwen(server.origin)).submit(unit_of(model, **params))
    (received,) = server.requests
    assert received.path == "/services/aigc/multimodal-generation/generation"
    assert "x-dashscope-async" not in received.headers
    assert received.json()["parameters"] == wanted
    assert done.images == (Remote(url=LINK),)


def test_the_newest_seedream_can_leave_the_background_out() -> None:
    unit = unit_of("doubao-seedream-5-5-261028", background="transparent", output_format="png")
    body, _ = sent(Volcengine, unit, DATA)
    assert (body["background"], body["output_format"]) == ("transparent", "png")
    unit = unit_of("doubao-seedream-5-0-flash-260915", width=1024, height=1024)
    body, _ = sent(Volcengine, unit, DATA)
    assert (body["model"], body["size"]) == ("doubao-seedream-5-0-flash-260915", "1024x1024")


def test_what_seedream_made_is_told_with_its_size_and_what_it_refused_with_its_words() -> None:
    refused = {"error": {"code": "OutputImageSensitiveContentDetected", "message": "not this one"}}
    said = {"data": [{"url": LINK, "size": "2048x1024"}, refused], "usage": {"generated_images": 1}}
    _, done = sent(Volcengine, unit_of("doubao-seedream-4-0-20260415", n=3), said)
    first, second, third = done.images
    assert first == Remote(url=LINK, applied={"width": 2048, "height": 1024})
    assert isinstance(second, Missing)
    assert (second.error.code, second.error.message) == ("moderated", "Volcengine Ark: not this one")
    assert isinstance(third, Missing)
    assert third.error.code == "no_image"
    assert done.usage == {"generated_images": 1}


@pytest.mark.parametrize(
    ("make", "own", "foreign"),
    [
        (
            Volcengine,
            ["ep-2026-abc", "seedream-5-0-260128", "doubao-seedream-4-5-251128"],
            ["gpt-image-2", ""],
        ),
        (Zhipu, ["cogview-4", "glm-image-2"], ["glm-4.5"]),
        (MiniMax, ["image-02"], ["MiniMax-M2"]),
        (Qwen, ["qwen-image-2.0-pro-2026-06-22", "wan2.8-image", "qwen-image-edit-max"], ["qwen-plus"]),
        (SiliconFlow, ["black-forest-labs/FLUX.2-pro"], ["flux"]),
        (Hunyuan, [], ["hy-image-v4"]),
    ],
)
def test_ids_that_look_right_work_without_the_catalog(
    make: type[Provider], own: list[str], foreign: list[str]
) -> None:
    provider = make()
    for name in own:
        spec = provider.model(name)
        assert spec is not None
        assert (spec.provider, spec.id) == (provider.spec.name, name)
    for name in foreign:
        assert provider.model(name) is None


def test_versions_of_a_queued_model_are_queued_too() -> None:
    with ProviderServer([answer({"output": {"task_id": "t-9", "task_status": "PENDING"}})]) as server:
        pending = Caller(Qwen(server.origin)).submit(unit_of("wan2.8-image"))
    assert isinstance(pending, Pending)
    assert server.requests[0].headers["x-dashscope-async"] == "enable"
    assert Qwen().model("wan2.8-image").resume  # type: ignore[union-attr]


def test_a_waiting_job_of_wan_is_cancelled_and_a_running_one_is_not() -> None:
    busy = answer({"code": "UnsupportedOperation", "message": "not pending"}, 400)
    with ProviderServer([answer({"request_id": "r"}), busy]) as server:
        caller = Caller(Qwen(server.origin))
        ticket = {"task": "t-1", "unit": [0]}
        outcomes = [caller.run(lambda http: caller.provider.cancel(ticket, http)) for _ in range(2)]
    assert outcomes == ["cancelled", "unsupported"]
    assert {request.path for request in server.requests} == {"/tasks/t-1/cancel"}


def test_siliconflow_lists_what_the_account_can_use() -> None:
    listed = [{"id": "Qwen/Qwen-Image"}, {"id": "acme/new-image"}, {"id": "acme/New-Edit"}, {"id": 7}, "x"]
    with ProviderServer([answer({"object": "list", "data": listed})]) as server:
        caller = Caller(SiliconFlow(server.origin))
        found = {spec.id: spec for spec in caller.run(caller.provider.discover)}
    assert list(found) == ["Qwen/Qwen-Image", "acme/new-image", "acme/New-Edit"]
    assert found["Qwen/Qwen-Image"].title == "Qwen-Image"
    assert found["acme/new-image"].references is None
    assert found["acme/New-Edit"].references is not None


def test_siliconflow_tells_a_bad_key_without_paying() -> None:
    with ProviderServer([answer("Invalid token", 401)]) as server:
        caller = Caller(SiliconFlow(server.origin))
        with pytest.raises(errors.BadKey, match="token"):
            caller.run(caller.provider.check)
    assert server.posts == 0


def test_the_environment_names_another_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1/")
    monkeypatch.setenv("MINIMAX_API_HOST", "https://api.minimaxi.com")
    monkeypatch.setenv("ARK_BASE_URL", "https://ark.ap-southeast.bytepluses.com/api/v3")
    assert Qwen().origin() == "https://dashscope-intl.aliyuncs.com/api/v1"
    assert MiniMax().origin() == "https://api.minimaxi.com"
    assert Volcengine().origin() == "https://ark.ap-southeast.bytepluses.com/api/v3"
    assert not Qwen().spec.local
    assert Qwen("http://127.0.0.1:1").spec.local
