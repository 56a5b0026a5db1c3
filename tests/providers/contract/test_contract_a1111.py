"""The Stable Diffusion WebUI passes the contract, and its own cases: previews, interrupt, discovery."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode, b64encode

import pytest

from imgplay_widget import errors
from imgplay_widget._clock import Clock
from imgplay_widget._rules.changes import Progressed
from imgplay_widget.providers.a1111 import A1111
from imgplay_widget.providers.http import Http, new_client
from imgplay_widget.testing import mask_png, open_studio, png
from imgplay_widget.testing.contract import WAIT, ProviderContract, Wire
from imgplay_widget.testing.server import Answer, answer

FORGOTTEN = answer({"active": False, "queued": False, "completed": False, "id_live_preview": -1})


class A1111Wire(Wire):
    model = "loaded"
    seeded = True
    keyed = False

    def __init__(self, script=()):
        super().__init__(script)
        self.progress = lambda task: FORGOTTEN
        self.interrupts = 0
        self.grid = False

    @classmethod
    def connect(cls, origin):
        return A1111(origin)

    def scripted(self, received):
        return self.is_submit(received)

    def is_submit(self, received):
        return received.path in ("/sdapi/v1/txt2img", "/sdapi/v1/img2img")

    def answer(self, received):
        match received.path:
            case "/internal/progress":
                return self.progress(received.json()["id_task"])
            case "/sdapi/v1/interrupt":
                self.interrupts += 1
                return answer({})
            case "/sdapi/v1/sd-models":
                return answer([{"title": "boats.safetensors [0123456789]", "model_name": "boats"}])
            case "/sdapi/v1/samplers":
                return answer([{"name": "Euler a", "aliases": []}, {"name": "DPM++ 2M"}])
            case "/sdapi/v1/schedulers":
                return answer([{"name": "karras", "label": "Karras"}])
        if not self.is_submit(received):
            return answer({"detail": "Not Found"}, 404)
        asked = received.json()
        seeds = [asked["seed"] + i for i in range(asked["batch_size"])]
        info = {
            "all_seeds": seeds,
            "index_of_first_image": int(self.grid),
            "sampler_name": asked.get("sampler_name", "Euler"),
            "steps": asked["steps"],
        }
        images = [png(8, 8)] * self.grid + [self.image(i) for i in range(len(seeds))]
        encoded = [b64encode(image).decode() for image in images]
        return answer({"images": encoded, "parameters": {}, "info": json.dumps(info)})

    def failures(self):
        def failed(status, error, detail="", errors=""):
            return answer({"error": error, "detail": detail, "body": "", "errors": errors}, status)

        return {
            "bad_key": answer({"detail": "Incorrect username or password"}, 401),
            "model_not_found": failed(404, "HTTPException", "checkpoint not found"),
            "server_error": failed(500, "RuntimeError", errors="it broke"),
            "server_error:memory": failed(500, "OutOfMemoryError", errors="CUDA out of memory"),
            "overloaded": failed(503, "busy"),
            "bad_gateway": Answer(502, {"Content-Type": "text/html"}, b"<html>bad gateway</html>"),
            "no_image": answer({"images": [], "parameters": {}, "info": ""}),
        }

    def seed_of(self, received):
        return received.json()["seed"]

    def references_of(self, received):
        return [b64decode(picture) for picture in received.json()["init_images"]]

    def mask_of(self, received):
        return b64decode(received.json()["mask"])


class TestA1111(ProviderContract):
    wire_type = A1111Wire

    def test_progress_and_previews_come_while_the_call_blocks(self, studio, wire):
        preview = png(16, 16)
        shown = f"data:image/png;base64,{b64encode(preview).decode()}"
        seen, asked = [], []

        def progress(task):
            asked.append(task)
            return answer({"active": True, "progress": 0.4, "live_preview": shown, "id_live_preview": 3})

        async def listen(changes):
            seen.extend((c.progress, c.preview) for c in changes if isinstance(c, Progressed))

        def slow(received):
            wire.wait_for(lambda requests: len(asked) > 2)
            return wire.answer(received)

        wire.progress = progress
        wire.script.append(slow)
        end = studio._core.subscribe(listen, every=0.0)
        self.generate(studio).result(WAIT)
        studio._core.start(studio._core.archive.settle).result(WAIT)
        end()
        assert seen[-1][0] == 0.4
        assert [data for _, data in seen if data is not None] == [preview]
        assert set(asked) == {wire.submits[0].json()["force_task_id"]}

    @pytest.mark.parametrize("ours", [True, False])
    def test_only_our_own_picture_is_interrupted(self, wire, tmp_path, ours):
        wire.progress = lambda task: answer({"active": ours, "queued": not ours, "progress": 0.1})
        wire.script.append(Answer(hang=True))
        with open_studio(A1111(wire.origin), store=tmp_path / "s.sqlite", clock=Clock()) as studio:
            batch = self.generate(studio)
            assert wire.wait_for(lambda requests: bool(wire.submits))
            batch.cancel()
            with pytest.raises(errors.Cancelled):
                batch.result(WAIT)
            studio._core.start(studio._core.archive.settle).result(WAIT)
        assert wire.interrupts == int(ours)

    def test_what_was_used_is_shown_and_a_grid_is_left_out(self, studio, wire):
        wire.grid = True
        batch = self.generate(studio, seed=7, sampler="Euler a").result(WAIT)
        assert batch[0].bytes == wire.image(0)
        assert wire.submits[0].json()["sampler_name"] == "Euler a"
        assert batch[0].seed == 7

    def test_a_mask_is_painted_as_the_web_page_paints_it(self, studio, wire):
        picture, mask = png(768, 512), mask_png(768, 512, free=(9, 9, 90, 90))
        self.generate(studio, references=[picture], mask=mask).result(WAIT)
        asked = wire.submits[0].json()
        assert (asked["width"], asked["height"]) == (768, 512)
        names = (
            "resize_mode",
            "inpaint_full_res",
            "inpainting_fill",
            "inpaint_full_res_padding",
            "mask_blur",
        )
        assert [asked[name] for name in names] == [1, False, 1, 32, 4]
        own = {"inpaint_area": "only masked", "masked_content": "latent noise", "mask_blur": 0}
        self.generate(studio, references=[picture], mask=mask, width=512, **own).result(WAIT)
        asked = wire.submits[1].json()
        assert (asked["width"], asked["height"]) == (512, 512)
        assert [asked[name] for name in names] == [1, True, 2, 32, 0]
        assert not {"inpaint_area", "masked_content"} & set(asked)

    def test_without_a_mask_or_a_reference_none_of_it_is_sent(self, studio, wire):
        self.generate(studio).result(WAIT)
        batch = self.generate(studio, references=[png(64, 96)], mask_blur=9).result(WAIT)
        plain, edit = (received.json() for received in wire.submits)
        assert not {"resize_mode", "denoising_strength", "mask_blur"} & set(plain)
        assert "inpainting_fill" not in edit
        assert (edit["resize_mode"], edit["width"], edit["height"]) == (1, 64, 96)
        assert "mask_blur" not in batch.params

    def test_another_checkpoint_is_loaded_once(self, studio, wire):
        self.generate(studio, model="boats.safetensors [0123456789]").result(WAIT)
        asked = wire.submits[0].json()
        assert asked["override_settings"] == {"sd_model_checkpoint": "boats.safetensors [0123456789]"}
        assert asked["override_settings_restore_afterwards"] is False
        self.generate(studio).result(WAIT)
        assert "override_settings" not in wire.submits[1].json()

    def test_strength_goes_with_a_reference_alone(self, studio, wire):
        self.generate(studio, strength=0.5).result(WAIT)
        self.generate(studio, strength=0.5, references=[png()]).result(WAIT)
        first, second = (received.json() for received in wire.submits)
        assert "denoising_strength" not in first
        assert second["denoising_strength"] == 0.5
        assert wire.submits[1].path == "/sdapi/v1/img2img"

    def test_a_server_without_the_api_says_how_to_start_it(self, studio, wire):
        wire.script.append(answer({"detail": "Not Found"}, 404))
        with pytest.raises(errors.BadRequest, match="--api"):
            self.generate(studio).result(WAIT)


def asked(wire, question, key=None):
    async def ask():
        provider = A1111(wire.origin)
        async with new_client() as client:
            return await question(provider, Http(provider, client, lambda: key))

    return asyncio.run(ask())


def test_checkpoints_samplers_and_schedulers_are_discovered():
    with A1111Wire() as wire:
        found = asked(wire, lambda provider, http: provider.discover(http))
    assert [model.id for model in found] == ["loaded", "boats.safetensors [0123456789]"]
    for model in found:
        assert model.parameter("sampler").choices == ("Euler a", "DPM++ 2M")
        assert model.parameter("scheduler").choices == ("Karras",)


def test_the_key_is_user_and_password():
    with A1111Wire() as wire:
        asked(wire, lambda provider, http: provider.check(http), key="ann:secret")
        assert wire.requests[0].headers["authorization"] == f"Basic {b64encode(b'ann:secret').decode()}"
