"""The special features of ComfyUI: workflows as models, its queue, and jobs with names."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from imgplay_widget import catalog, errors
from imgplay_widget._types import Missing, Pending, Reference, Remote, Unit
from imgplay_widget.providers.comfyui import ComfyUI
from imgplay_widget.providers.comfyui.reading import NotAWorkflow, read
from imgplay_widget.providers.comfyui.workflows import Workflow
from imgplay_widget.testing import png
from imgplay_widget.testing.server import RESET_AFTER, Answer, ProviderServer, answer
from tests.providers.comfyui.drawings import GRAPHS, OBJECT_INFO, draw
from tests.providers.conftest import Caller

FLOW: dict[str, Any] = {
    "1": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux.safetensors", "weight_dtype": "default"}},
    "2": {
        "class_type": "CLIPTextEncode",
        "_meta": {"title": "What I want"},
        "inputs": {"text": "an old prompt", "clip": ["9", 0]},
    },
    "3": {"class_type": "FluxGuidance", "inputs": {"guidance": 3, "conditioning": ["2", 0]}},
    "4": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["9", 0]}},
    "5": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 768, "height": 512, "batch_size": 4}},
    "6": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 5,
            "steps": 8,
            "cfg": 1,
            "sampler_name": "euler",
            "scheduler": "simple",
            "denoise": 1,
            "model": ["1", 0],
            "positive": ["3", 0],
            "negative": ["4", 0],
            "latent_image": ["5", 0],
        },
    },
    "7": {"class_type": "VAEDecode", "inputs": {"samples": ["6", 0], "vae": ["10", 0]}},
    "8": {"class_type": "SaveImage", "inputs": {"images": ["7", 0], "filename_prefix": "mine"}},
    "9": {"class_type": "DualCLIPLoader", "inputs": {"clip_name1": "a", "clip_name2": "b", "type": "flux"}},
    "10": {"class_type": "VAELoader", "inputs": {"vae_name": "ae.safetensors"}},
}


def unit_of(model: str, *, key: str = "job-1", references: tuple[Reference, ...] = (), **params: Any) -> Unit:
    return Unit(
        model=model,
        prompt="a paper boat",
        params=params,
        positions=(0,),
        seeds=(11,),
        references=references,
        key=key,
    )


def accepted(job: str = "job-1") -> Answer:
    return answer({"prompt_id": job, "number": 1, "node_errors": {}})


def queue(running: list[str] = [], waiting: list[str] = []) -> Answer:  # noqa: B006 - never changed
    return answer(
        {
            "queue_running": [[0, job, {}, {}, []] for job in running],
            # The server keeps a heap, which is not in order.
            "queue_pending": [[n, job, {}, {}, []] for n, job in reversed(list(enumerate(waiting, 1)))],
        }
    )


def finished(*files: Mapping[str, str], word: str = "success", messages: list[Any] | None = None) -> Answer:
    status = {"status_str": word, "completed": word == "success", "messages": messages or []}
    return answer({"job-1": {"outputs": {"8": {"images": list(files)}}, "status": status}})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "poster.json").write_text(json.dumps(FLOW), encoding="utf-8")
    return tmp_path


# ------------------------------------------------------------------ workflows


def test_the_inputs_of_a_workflow_are_its_parameters(folder: Path) -> None:
    spec = ComfyUI("http://127.0.0.1:9", workflows=folder).model("poster")
    assert spec is not None
    found = {p.name: (p.type, p.kind, p.default) for p in spec.parameters}
    assert found["width"] == ("integer", "width", 768)
    assert found["height"] == ("integer", "height", 512)
    assert found["steps"] == ("integer", None, 8)
    assert found["cfg"] == ("number", None, 1)
    assert found["guidance"] == ("number", None, 3)
    assert found["sampler"] == ("string", None, "euler")
    assert found["negative_prompt"] == ("string", None, "blurry")
    assert found["vae_name"] == ("string", None, "ae.safetensors")
    assert found["seed"] == ("integer", "seed", None)
    assert not {"text", "filename_prefix", "batch_size"} & set(found)
    assert [p.name for p in spec.parameters][:4] == ["width", "height", "steps", "cfg"]
    assert (spec.seed, spec.references, spec.notice) == ("exact", None, "")


def test_values_go_where_they_came_from() -> None:
    flow = Workflow.of(FLOW)
    graph = flow.filled(unit_of("poster", width=1024, steps=4, negative_prompt="text", guidance=2.5))
    assert graph["2"]["inputs"] == {"text": "a paper boat", "clip": ["9", 0]}
    assert graph["4"]["inputs"]["text"] == "text"
    assert graph["3"]["inputs"]["guidance"] == 2.5
    assert graph["5"]["inputs"] == {"width": 1024, "height": 512, "batch_size": 1}
    assert (graph["6"]["inputs"]["seed"], graph["6"]["inputs"]["steps"]) == (11, 4)
    assert FLOW["5"]["inputs"]["batch_size"] == 4


def test_a_marked_text_keeps_its_words_around_the_prompt() -> None:
    graph = {**FLOW, "4": {"class_type": "Anything", "inputs": {"style": "a poster of {prompt}, flat"}}}
    filled = Workflow.of(graph).filled(unit_of("poster"))
    assert filled["4"]["inputs"]["style"] == "a poster of a paper boat, flat"
    assert filled["2"]["inputs"]["text"] == "an old prompt"


def test_the_server_gives_choices_and_limits() -> None:
    known = {
        "KSampler": {
            "input": {
                "required": {
                    "steps": ["INT", {"default": 20, "min": 1, "max": 10000}],
                    "sampler_name": [["euler", "heun"]],
                    "scheduler": ["COMBO", {"options": ["simple", "karras"]}],
                }
            }
        },
        "VAELoader": {"input": {"required": {"vae_name": [["other.safetensors"]]}}},
    }
    spec = Workflow.of(FLOW).spec("comfyui", "poster", known)
    steps, sampler, scheduler = (spec.parameter(name) for name in ("steps", "sampler", "scheduler"))
    assert steps is not None
    assert sampler is not None
    assert scheduler is not None
    assert (steps.minimum, steps.maximum) == (1, 10000)
    assert (sampler.kind, sampler.choices) == (None, ("euler", "heun"))
    assert scheduler.choices == ("simple", "karras")
    # A value of the file that the server lacks stays a text, because it may come back.
    assert spec.parameter("vae_name").choices == ()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ('{"a": 1}', "not a workflow"),
        ("{}", "not a workflow"),
        ("[]", "not a workflow"),
        ('{"prompt": "a boat"}', "not a workflow"),
        ('{"1": {"class_type": "X", "inputs": []}}', "not a workflow"),
    ],
)
def test_a_file_that_is_no_workflow_says_why(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(NotAWorkflow, match=said):
        read(text.encode())
    (tmp_path / "broken.json").write_text(text, encoding="utf-8")
    provider = ComfyUI("http://127.0.0.1:9", workflows=tmp_path)
    spec = provider.model("broken")
    assert spec is not None
    assert said in spec.notice
    with pytest.raises(errors.BadRequest, match=said):
        Caller(provider).submit(unit_of("broken"))


def test_a_folder_of_an_unknown_user_leaves_the_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMFYUI_WORKFLOWS", "~nobody-of-this-name/flows")
    assert [model.id for model in ComfyUI().models()] == ["default"]


def test_the_body_of_a_call_and_a_picture_hold_a_workflow() -> None:
    def picture(**texts: str) -> bytes:
        out, info = io.BytesIO(), PngInfo()
        for name, text in texts.items():
            info.add_text(name, text, zip=name == "workflow")
        Image.new("RGB", (4, 4)).save(out, "PNG", pnginfo=info)
        return out.getvalue()

    graph, drawn = json.dumps(FLOW), json.dumps({"nodes": [], "links": []})
    assert read(json.dumps({"prompt": FLOW, "client_id": "x"}).encode()) == FLOW
    assert read(picture(workflow=drawn, prompt=graph)) == FLOW
    assert read(picture(workflow=drawn)) == {"nodes": [], "links": []}
    # Another program wrote a prompt of its own.
    assert read(picture(prompt="a boat", workflow=drawn)) == {"nodes": [], "links": []}
    with pytest.raises(NotAWorkflow, match="no workflow"):
        read(picture(parameters="a boat"))
    with pytest.raises(NotAWorkflow, match="damaged"):
        read(picture(prompt=graph)[:30])
    with pytest.raises(NotAWorkflow, match="bytes"):
        read(b" " * 5_000_000)


def test_limits_of_a_node_are_merged_and_survive_the_store() -> None:
    graph = {
        "1": {
            "class_type": "ImageCrop",
            "inputs": {"image": ["9", 0], "width": 512, "height": 300, "x": 5000, "y": 0},
        },
        "2": {"class_type": "CFG", "inputs": {"cfg": 3.14, "scale": 2.0}},
    }
    edge = ["INT", {"default": 512, "min": 1, "max": 16384, "step": 1}]
    inputs = {"width": edge, "height": edge, "x": ["INT", {"min": 0, "max": 4096}], "y": ["INT", {}]}
    known = {
        "ImageCrop": {"input": {"required": inputs}},
        "CFG": {
            "input": {
                "required": {"cfg": ["FLOAT", {"min": 0.0, "max": 100.0, "step": 0.1}], "scale": ["FLOAT"]}
            }
        },
    }
    for said in ({}, known):
        spec = Workflow.of(graph).spec("comfyui", "crop", said)
        (kept,) = catalog.checked([spec], "comfyui")
        assert [p.name for p in kept.parameters] == [p.name for p in spec.parameters]
    found = {p.name: (p.minimum, p.maximum, p.step) for p in spec.parameters}
    assert found["width"] == found["height"] == (1, 16384, 1)
    # The workflow's own value is possible, whatever the node says.
    assert found["x"] == (0, 5000, None)
    assert found["cfg"] == (0.0, 100.0, None)
    assert found["y"] == found["scale"] == (None, None, None)


def test_each_of_several_texts_is_a_parameter_with_the_title_of_its_node() -> None:
    def text(title: str, said: str) -> dict[str, Any]:
        return {
            "class_type": "CLIPTextEncode",
            "inputs": {"text": said, "clip": ["4", 1]},
            "_meta": {"title": title},
        }

    graph = {
        **FLOW,
        "2": text("Subject", "a boat"),
        "20": text("Background", "a harbour"),
        "21": text("Background", "a sky"),
        "5:7": text("Inside", "a mast"),
        "22": {
            "class_type": "ConditioningCombine",
            "inputs": {"conditioning_1": ["2", 0], "conditioning_2": ["20", 0]},
        },
        "23": {
            "class_type": "ConditioningCombine",
            "inputs": {"conditioning_1": ["22", 0], "conditioning_2": ["21", 0]},
        },
        "24": {
            "class_type": "ConditioningCombine",
            "inputs": {"conditioning_1": ["23", 0], "conditioning_2": ["5:7", 0]},
        },
        "3": {"class_type": "FluxGuidance", "inputs": {"guidance": 3, "conditioning": ["24", 0]}},
        "30": {**FLOW["6"], "inputs": {**FLOW["6"]["inputs"], "steps": 4}, "_meta": {"title": "Refiner"}},
    }
    flow = Workflow.of(graph)
    spec = flow.spec("comfyui", "poster")
    titles = {p.name: p.title for p in spec.parameters}
    texts = {"text": "Background (20)", "text_21": "Background (21)", "text_5_7": "Inside"}
    assert {name: titles[name] for name in texts} == texts
    assert not any(spec.parameter(name).advanced for name in texts)  # type: ignore[union-attr]
    assert (titles["steps"], titles["steps_30"]) == ("Steps", "Steps (Refiner)")
    filled = flow.filled(unit_of("poster", text_21="a storm", text_5_7="a sail"))
    said = {name: filled[name]["inputs"]["text"] for name in ("2", "20", "21", "5:7")}
    assert said == {"2": "a paper boat", "20": "a harbour", "21": "a storm", "5:7": "a sail"}


def test_a_second_sampler_that_reads_a_copy_gets_the_same_prompt() -> None:
    copied = {**FLOW["2"], "inputs": {"text": "an old prompt", "clip": ["9", 0]}}
    second = {**FLOW["6"], "inputs": {**FLOW["6"]["inputs"], "positive": ["12", 0]}}
    filled = Workflow.of({**FLOW, "12": copied, "13": second}).filled(unit_of("poster"))
    assert filled["2"]["inputs"]["text"] == filled["12"]["inputs"]["text"] == "a paper boat"


def test_a_prompt_that_is_joined_from_texts_goes_into_the_first_one() -> None:
    joined = {"string_a": ["51", 0], "string_b": "at dusk", "delimiter": ", "}
    graph = {
        **FLOW,
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": ["50", 0], "clip": ["9", 0]}},
        "50": {"class_type": "StringConcatenate", "inputs": joined, "_meta": {"title": "Light"}},
        "51": {"class_type": "PrimitiveStringMultiline", "inputs": {"value": "a boat"}},
    }
    flow = Workflow.of({**graph, "50": {**graph["50"], "inputs": {**joined, "string_a": "a boat"}}})
    assert flow.prompts == (("50", "string_a"),)
    assert flow.spec("comfyui", "x").parameter("string_b").title == "Light"  # type: ignore[union-attr]


# ------------------------------------------------------------------ drawings of the editor


class Nodes(ProviderServer):
    """A ComfyUI that knows the nodes of the drawings, and takes every job."""

    lacks: tuple[str, ...] = ()

    def answer(self, received: Any) -> Answer:
        kind = received.path.removeprefix("/object_info/")
        if received.path == "/prompt":
            return accepted()
        known = kind in OBJECT_INFO and kind not in self.lacks
        return answer({kind: OBJECT_INFO[kind]} if known else {})


def test_a_drawing_in_the_folder_is_a_model_once_the_server_has_answered(tmp_path: Path) -> None:
    graph = GRAPHS["text to image"]()
    (tmp_path / "drawn.json").write_text(json.dumps(draw(graph)), encoding="utf-8")
    with Nodes() as server:
        provider = ComfyUI(server.origin, workflows=tmp_path)
        before = provider.model("drawn")
        assert before is not None
        assert "once ComfyUI has answered" in before.notice
        caller = Caller(provider)
        spec = {one.id: one for one in caller.run(provider.discover)}["drawn"]
        assert spec.notice == ""
        assert spec.parameter("steps").default == 20
        caller.submit(unit_of("drawn", steps=9))
        sent = server.requests[-1].json()["prompt"]
    expected = copy.deepcopy(graph)
    expected["3"]["inputs"] |= {"seed": 11, "steps": 9}
    expected["6"]["inputs"]["text"] = "a paper boat"
    assert sent == expected


def test_a_workflow_is_read_as_the_server_takes_it(tmp_path: Path) -> None:
    graph = GRAPHS["flux"]()
    with Nodes() as server:
        caller = Caller(ComfyUI(server.origin, workflows=tmp_path))
        for file in (draw(graph), graph, {"prompt": graph, "client_id": "x"}):
            data = json.dumps(file).encode()
            text = caller.run(lambda http, data=data: caller.provider.read_workflow(data, http))
            assert json.loads(text) == graph


def test_a_missing_node_says_install_it(tmp_path: Path) -> None:
    drawn = draw(GRAPHS["text to image"]())
    (tmp_path / "drawn.json").write_text(json.dumps(drawn), encoding="utf-8")
    (tmp_path / "graph.json").write_text(json.dumps(GRAPHS["text to image"]()), encoding="utf-8")
    with Nodes() as server:
        server.lacks = ("VAEDecode",)
        caller = Caller(ComfyUI(server.origin, workflows=tmp_path))
        found = {one.id: one for one in caller.run(caller.provider.discover)}
        for name in ("drawn", "graph"):
            assert "VAEDecode" in found[name].notice
            assert "Install what is missing in ComfyUI" in found[name].notice
        with pytest.raises(errors.BadRequest, match=r"VAEDecode \(node 8\)") as caught:
            caller.run(lambda http: caller.provider.read_workflow(json.dumps(drawn).encode(), http))
        assert "Install what is missing in ComfyUI" in caught.value.next_step
        with pytest.raises(errors.BadRequest, match="VAEDecode"):
            caller.submit(unit_of("drawn"))
        assert server.posts == 0


@pytest.mark.parametrize(
    "error",
    [
        {"type": "invalid_prompt", "message": "Cannot execute because node Tile does not exist."},
        {"type": "missing_node_type", "message": "Node 'Tile' not found."},
    ],
)
def test_a_refusal_for_a_missing_node_says_install_it(error: dict[str, str], folder: Path) -> None:
    refused = answer({"error": error, "node_errors": {}}, 400)
    with ProviderServer([refused]) as server, pytest.raises(errors.BadRequest, match="Tile") as caught:
        Caller(ComfyUI(server.origin, workflows=folder)).submit(unit_of("poster"))
    assert "Install what is missing in ComfyUI" in caught.value.next_step


def test_loops_and_missing_nodes_do_no_harm() -> None:
    loop = {
        "1": {"class_type": "Pass", "inputs": {"conditioning": ["1", 0]}},
        "2": {"class_type": "KSampler", "inputs": {"positive": ["1", 0], "negative": ["9", 0]}},
    }
    spec = Workflow.of(loop).spec("comfyui", "loop")
    assert "ignores the words" in spec.notice


def test_pictures_are_uploaded_and_named_in_the_workflow(tmp_path: Path) -> None:
    flow = {**FLOW, "11": {"class_type": "LoadImage", "inputs": {"image": "example.png"}}}
    (tmp_path / "edit.json").write_text(json.dumps(flow), encoding="utf-8")
    reference = Reference(digest="ab" * 32, media_type="image/png", width=8, height=8)
    uploaded = answer({"name": "up.png", "subfolder": "imgplay", "type": "input"})
    with ProviderServer([uploaded, accepted()]) as server:
        provider = ComfyUI(server.origin, workflows=tmp_path)
        assert provider.model("edit").references.max_count == 1  # type: ignore[union-attr]
        data = png(8, 8)
        Caller(provider, files={reference.digest: data}).submit(unit_of("edit", references=(reference,)))
    upload, prompt = server.requests
    assert upload.form()["image"] == [data]
    assert upload.form()["overwrite"] == [b"true"]
    assert prompt.json()["prompt"]["11"]["inputs"]["image"] == "imgplay/up.png"


# ------------------------------------------------------------------ checkpoints


def test_the_first_checkpoint_is_found_and_told() -> None:
    loader = {"input": {"required": {"ckpt_name": [["a.safetensors", "b.ckpt"]]}}}
    file = {"filename": "x.png", "subfolder": "", "type": "output"}
    script = [answer({"CheckpointLoaderSimple": loader}), accepted(), finished(file)]
    with ProviderServer(script) as server:
        caller = Caller(ComfyUI(server.origin, workflows="/nowhere"))
        pending = caller.submit(unit_of("default", steps=9, sampler="heun"))
        assert isinstance(pending, Pending)
        done = caller.run(lambda http: caller.provider.poll(json.loads(json.dumps(pending.ticket)), http))
    graph = server.requests[1].json()["prompt"]
    assert graph["loader"]["inputs"]["ckpt_name"] == "a.safetensors"
    sampler = graph["sampler"]["inputs"]
    assert (sampler["steps"], sampler["sampler_name"], sampler["denoise"]) == (9, "heun", 1.0)
    (image,) = done.images
    assert isinstance(image, Remote)
    assert image.url == f"{server.origin}/view?filename=x.png&subfolder=&type=output"
    assert image.applied == {"checkpoint": "a.safetensors"}


def test_a_server_without_checkpoints_says_what_to_do() -> None:
    with ProviderServer([answer({})]) as server, pytest.raises(errors.ModelNotFound, match="checkpoints"):
        Caller(ComfyUI(server.origin, workflows="/nowhere")).submit(unit_of("default"))
    assert server.posts == 0


def test_checkpoints_and_samplers_are_discovered(folder: Path) -> None:
    class Lists(ProviderServer):
        def answer(self, received: Any) -> Answer:
            kind = received.path.removeprefix("/object_info/")
            required: dict[str, Any] = {
                "CheckpointLoaderSimple": {"ckpt_name": [["sdxl/base.safetensors", "sd15.ckpt"]]},
                "KSampler": {"sampler_name": [["euler", "new_one"]], "scheduler": [["karras"]]},
            }.get(kind, {})
            return answer({kind: {"input": {"required": required}}} if required else {})

    with Lists() as server:
        caller = Caller(ComfyUI(server.origin, workflows=folder))
        found = caller.run(caller.provider.discover)
    specs = {spec.id: spec for spec in found}
    assert list(specs) == ["default", "sdxl/base.safetensors", "sd15.ckpt", "poster"]
    assert specs["sdxl/base.safetensors"].title == "base"
    assert specs["sd15.ckpt"].parameter("sampler").choices == ("euler", "new_one")
    # The default is not in the server's list, so the shipped list stays.
    assert "normal" in specs["sd15.ckpt"].parameter("scheduler").choices
    assert specs["poster"].parameter("sampler").choices == ("euler", "new_one")


# ------------------------------------------------------------------ jobs


def test_a_job_has_our_name_and_a_lost_answer_is_found() -> None:
    with ProviderServer([RESET_AFTER, queue(running=["job-1"])]) as server:
        caller = Caller(ComfyUI(server.origin, workflows="/nowhere"))
        pending = caller.submit(unit_of("a.ckpt"))
    assert isinstance(pending, Pending)
    assert pending.ticket["prompt_id"] == "job-1"
    assert server.requests[0].json()["prompt_id"] == "job-1"


def test_a_lost_answer_whose_job_is_nowhere_stays_lost() -> None:
    with ProviderServer([RESET_AFTER, queue(), answer({})]) as server, pytest.raises(errors.NetworkError):
        Caller(ComfyUI(server.origin, workflows="/nowhere")).submit(unit_of("a.ckpt"))
    assert server.posts == 1


TICKET = {"prompt_id": "job-1", "places": [0], "applied": {}}


def poll(*script: Answer) -> Any:
    with ProviderServer(script) as server:
        caller = Caller(ComfyUI(server.origin, workflows="/nowhere"))
        return caller.run(lambda http: caller.provider.poll(TICKET, http))


def test_a_waiting_job_knows_its_place() -> None:
    answered = poll(answer({}), queue(running=["other"], waiting=["first", "job-1", "last"]))
    assert (answered.queue_position, answered.ticket) == (2, TICKET)
    assert poll(answer({}), queue(running=["job-1"])).queue_position is None


def test_a_job_that_ends_between_two_questions_is_not_lost() -> None:
    file = {"filename": "x.png", "subfolder": "", "type": "output"}
    (image,) = poll(answer({}), queue(), finished(file)).images
    assert isinstance(image, Remote)


def test_saved_images_go_before_previews() -> None:
    preview = {"filename": "p.png", "subfolder": "", "type": "temp"}
    saved = {"filename": "s.png", "subfolder": "a b", "type": "output"}
    (image,) = poll(finished(preview, saved)).images
    assert "filename=s.png&subfolder=a+b&type=output" in image.url
    (image,) = poll(finished(preview)).images
    assert "filename=p.png" in image.url


def test_a_failed_node_is_named_and_an_interrupt_is_a_cancel() -> None:
    said = {"node_type": "VAEDecode", "exception_message": "CUDA out of memory"}
    (missing,) = poll(finished(word="error", messages=[["execution_error", said]])).images
    assert isinstance(missing, Missing)
    assert (missing.error.code, "CUDA out of memory (VAEDecode)" in missing.error.message) == (
        "server_error",
        True,
    )
    # The node is a matter of the server, whose log says more.
    assert missing.error.fault == "provider"
    assert "ComfyUI's own log" in missing.error.next_step
    with pytest.raises(errors.Cancelled):
        poll(finished(word="error", messages=[["execution_interrupted", {}]]))


@pytest.mark.parametrize(
    ("standing", "outcome", "sent"),
    [
        (queue(running=["job-1"]), "requested", [("/interrupt", {"prompt_id": "job-1"})]),
        (queue(running=["other"], waiting=["job-1"]), "cancelled", [("/queue", {"delete": ["job-1"]})]),
        # The running job belongs to another user and must go on.
        (queue(running=["other"]), "unsupported", []),
    ],
)
def test_only_our_own_job_is_stopped(standing: Answer, outcome: str, sent: list[Any]) -> None:
    with ProviderServer([standing, Answer(200, {}, b"")]) as server:
        caller = Caller(ComfyUI(server.origin, workflows="/nowhere"))
        assert caller.run(lambda http: caller.provider.cancel(TICKET, http)) == outcome
    posts = [(r.path, r.json()) for r in server.requests if r.method == "POST"]
    assert posts == sent


def test_a_refused_workflow_says_which_node() -> None:
    said = {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation"}
    wrong = {"message": "Value not in list", "details": "sampler_name: 'x' not in ['euler']"}
    refused = answer(
        {"error": said, "node_errors": {"6": {"class_type": "KSampler", "errors": [wrong]}}}, 400
    )
    with ProviderServer([refused]) as server, pytest.raises(errors.BadRequest) as caught:
        Caller(ComfyUI(server.origin, workflows="/nowhere")).submit(unit_of("a.ckpt"))
    assert "KSampler: Value not in list sampler_name" in str(caught.value)
    assert not caught.value.maybe_billed
