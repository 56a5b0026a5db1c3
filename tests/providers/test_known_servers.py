"""Each known server gets only what it understands. The servers refuse what the real ones refuse."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest

from imgplay_widget import errors
from imgplay_widget.catalog import server_preset, server_presets
from imgplay_widget.providers.servers import known_server
from imgplay_widget.testing import open_studio
from tests.servers.known_servers import KEY, KINDS, KnownServer
from tests.servers.openai_server import png

WAIT = 30
TEAM = "https://my-team.openai.azure.com/openai/v1"
SIZED = {"width": 1024, "height": 512}


@contextmanager
def added(kind, **options):
    """A studio with the preset at a server of its kind."""
    preset = server_preset(kind)
    with KnownServer(kind, **options) as server, open_studio() as studio:
        check = studio.add_server(
            preset=kind, url=server.base_url, key=KEY if preset.key == "needed" else None
        )
        yield server, studio, check


def drawn(studio, model, **options):
    return studio.generate("a fox", model=model, **options).result(WAIT)


def test_every_preset_has_a_server_of_its_kind():
    assert [*KINDS] == [preset.name for preset in server_presets()]


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_each_preset_draws_at_the_first_attempt(kind):
    with added(kind) as (server, studio, check):
        assert check.outcome in ("good", "reached", "unknown")
        models = server_preset(kind).models
        model = models[0].id if models else "any/model"
        batch = drawn(studio, f"{kind}:{model}", n=2)
        assert [one.status for one in batch] == ["success"] * 2
        assert all(fields["model"] == model for _, fields in server.calls)
        # Not one call was refused, so nothing was sent twice.
        assert len(server.calls) == (
            1 if studio.models(kind)[0].native_n > 1 and batch[0].seed is None else 2
        )


@pytest.mark.parametrize("kind", KINDS)
def test_an_unlisted_model_draws_with_every_parameter(kind):
    preset = server_preset(kind)
    values = {
        "width": 1024,
        "height": 512,
        "size": "1024x1024",
        "steps": 8,
        "cfg": 2,
        "true_cfg": 2,
        "negative_prompt": "snow",
        "quality": "high",
        "seed": 7,
    }
    params = {one.name: values[one.name] for one in preset.other.parameters}
    with added(kind) as (_, studio, _):
        assert drawn(studio, f"{kind}:some/other", **params)[0].status == "success"


@pytest.mark.parametrize("kind", [one.name for one in server_presets() if one.other.references])
def test_a_model_with_an_input_image_draws(kind):
    with added(kind) as (server, studio, _):
        batch = drawn(studio, f"{kind}:some/other", references=[png()])
        assert batch[0].status == "success"
        preset = server_preset(kind)
        assert server.calls[0][0] == f"/v1{preset.wire.edits or '/images/generations'}"


def test_azure_gets_its_own_header_and_models():
    with added("azure") as (server, studio, check):
        assert check.outcome == "good"
        assert [spec.id for spec in studio.models("azure")] == [
            "gpt-image-2",
            "gpt-image-1.5",
            "gpt-image-1-mini",
        ]
        batch = drawn(studio, "azure:gpt-image-2", n=2, width=1024, height=768, quality="high")
        assert [(one.width, one.height) for one in batch] == [(1024, 768)] * 2
        assert server.calls[-1][1]["size"] == "1024x768"
        with pytest.raises(errors.InvalidRequest):
            studio.generate("a fox", model="azure:gpt-image-2", width=1000, height=1000)
        assert batch[0].cost is None


def test_azure_gets_the_input_image_and_moderation_in_one_form():
    with added("azure") as (server, studio, _):
        drawn(studio, "azure:gpt-image-2", references=[png()], moderation="low")
        assert server.calls[-1][1]["moderation"] == "low"


def test_step_gets_the_height_of_a_size_first():
    with added("stepfun") as (server, studio, _):
        batch = drawn(studio, "stepfun:step-image-edit-2", size="1360x768", seed=9)
        assert (batch[0].width, batch[0].height, batch[0].applied["seed"]) == (1360, 768, 9)
        assert server.calls[-1][1]["size"] == "768x1360"
        batch = drawn(studio, "stepfun:step-1x-medium", size="1280x800", seed=9, cfg=5)
        assert (batch[0].width, batch[0].height) == (1280, 800)
        assert server.calls[-1][1]["size"] == "1280x800"
        assert server.calls[-1][1]["cfg_scale"] == 5


def test_an_image_that_step_holds_back_is_named_so():
    with added("stepfun") as (_, studio, _), pytest.raises(errors.Moderated):
        studio.generate("a riot", model="stepfun:step-image-edit-2").result(WAIT)


def test_localai_gets_the_negative_prompt_behind_a_bar():
    with added("localai") as (_, studio, check):
        assert check.outcome == "good"
        batch = drawn(studio, "localai:flux", steps=9, negative_prompt="snow")
        used = json.loads(batch[0].applied["revised_prompt"])
        assert used == {"prompt": "a fox", "negative": "snow", "steps": 9}
        assert "negative_prompt" not in batch[0].applied


@pytest.mark.parametrize(("kind", "field"), [("vllm", "image"), ("sglang", "image[]"), ("stepfun", "image")])
def test_an_input_image_stands_in_the_field_of_the_server(kind, field):
    with added(kind) as (server, studio, _):
        drawn(studio, f"{kind}:some/other", references=[png()])
        sent = next(one for one in server.requests if one.method == "POST")
        assert sent.form()[field][0].startswith(b"\x89PNG")


def test_xinference_gets_what_the_protocol_lacks_as_a_text_of_json():
    with added("xinference") as (server, studio, _):
        studio.refresh_models("xinference")
        assert [spec.id for spec in studio.models("xinference")] == ["sdxl-turbo"]
        batch = drawn(studio, "xinference:sdxl-turbo", steps=4, cfg=2, **SIZED)
        assert (batch[0].width, batch[0].height) == (1024, 512)
        fields = server.calls[-1][1]
        assert json.loads(fields["kwargs"]) == {"num_inference_steps": 4, "guidance_scale": 2}
        assert fields["size"] == "1024*512"


@pytest.mark.parametrize("kind", KINDS)
def test_what_runs_on_the_own_machine_costs_nothing_and_what_is_a_service_may(kind):
    with added(kind) as (_, studio, _):
        cost = studio.estimate(f"{kind}:some/other")
        free = server_preset(kind).free
        # A gateway on this machine without a key cannot bill either, as far as anybody can tell.
        assert (cost is not None and cost.most == 0) is (free or kind == "litellm")
        assert studio._core.registry.get(kind).spec.free is free


def test_a_free_server_elsewhere_is_not_free():
    provider = known_server(server_preset("vllm"), "https://vllm.example/v1", name="vllm", keyed=True)
    assert not provider.spec.free


@pytest.mark.parametrize(
    ("kind", "url", "name", "variables"),
    [
        ("azure", TEAM, "azure", ("AZURE_OPENAI_API_KEY",)),
        (
            "azure",
            TEAM,
            "work",
            ("WORK_API_KEY", "AZURE_OPENAI_API_KEY"),
        ),
        ("azure", "https://relay.example/openai/v1", "azure", ("AZURE_API_KEY",)),
        ("azure", "https://x.example/.openai.azure.com/openai/v1", "azure", ("AZURE_API_KEY",)),
        ("stepfun", "https://api.stepfun.com/v1", "stepfun", ("STEP_API_KEY",)),
        ("stepfun", "https://api.stepfun.ai/v1", "stepfun", ("STEPFUN_API_KEY",)),
    ],
)
def test_the_variable_of_a_service_counts_only_at_its_own_address(kind, url, name, variables):
    assert known_server(server_preset(kind), url, name=name, keyed=True).spec.key_variables == variables


def test_a_refused_key_is_a_bad_key_where_a_list_tells():
    with KnownServer("stepfun") as server, open_studio() as studio:
        assert studio.add_server(preset="stepfun", url=server.base_url, key="wrong").outcome == "bad_key"


def test_a_service_without_a_list_of_models_says_that_an_image_tests_the_key():
    with KnownServer("aihubmix") as server, open_studio() as studio:
        assert studio.add_server(preset="aihubmix", url=server.base_url, key="wrong").outcome == "unknown"
        assert server.requests == []


@pytest.mark.parametrize("kind", [one.name for one in server_presets() if one.key == "needed"])
def test_a_service_asks_for_its_key(kind):
    with KnownServer(kind) as server, open_studio() as studio:
        assert studio.add_server(preset=kind, url=server.base_url).outcome == "missing_key"
        with pytest.raises(errors.MissingKey):
            studio.generate("a fox", model=f"{kind}:some/other").result(WAIT)
        assert server.requests == []
