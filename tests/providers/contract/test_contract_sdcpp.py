"""The server of stable-diffusion.cpp passes the contract, and its own cases: queue, references, discovery."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode

import pytest

from imgplay_widget import errors
from imgplay_widget.providers.http import Http, new_client
from imgplay_widget.providers.sdcpp import SdCpp
from imgplay_widget.testing import png
from imgplay_widget.testing.contract import WAIT, ProviderContract, Wire
from imgplay_widget.testing.server import answer

CAPABILITIES = {
    "model": {"name": "boats.gguf", "stem": "boats", "path": "/models/boats.gguf"},
    "current_mode": "img_gen",
    "supported_modes": ["img_gen"],
    "defaults_by_mode": {
        "img_gen": {
            "width": 1024,
            "height": 768,
            "sample_params": {"sample_steps": 9, "guidance": {"txt_cfg": 1.0}},
        }
    },
    "output_formats_by_mode": {"img_gen": ["png", "jpeg"]},
    "samplers": ["euler", "euler_a"],
    "schedulers": ["discrete", "karras"],
    "limits": {"min_width": 64, "max_width": 2048, "min_height": 64, "max_height": 2048},
}


class SdCppWire(Wire):
    model = "sd-cpp-local"
    seeded = True
    queued = True
    cancellable = True
    keyed = False

    def __init__(self, script=()):
        super().__init__(script)
        self.ending = None
        self.cancelled = []

    @classmethod
    def connect(cls, origin):
        return SdCpp(origin)

    def is_submit(self, received):
        return received.path == "/sdcpp/v1/img_gen"

    def answer(self, received):
        if received.path == "/sdcpp/v1/capabilities":
            return answer(CAPABILITIES)
        if self.is_submit(received):
            job = f"job_{len(self.submits)}"
            poll = f"/sdcpp/v1/jobs/{job}"
            return answer({"id": job, "kind": "img_gen", "status": "queued", "poll_url": poll}, 202)
        job, _, action = received.path.removeprefix("/sdcpp/v1/jobs/").partition("/")
        if action == "cancel":
            self.cancelled.append(job)
            return self.state(job, "cancelled")
        if self.gone:
            return answer({"error": "job expired"}, 410)
        if self.ending:
            return self.state(job, *self.ending)
        if self.unknown:
            return self.state(job, "dreaming")
        if self.waiting:
            return self.state(job, "queued")
        images = [{"index": 0, "b64_json": b64encode(self.image(0)).decode()}]
        return self.state(job, "completed", result={"output_format": "png", "images": images})

    def state(self, job, status, error=None, result=None):
        position = 2 if status == "queued" else 0
        fields = {"id": job, "status": status, "queue_position": position, "result": result, "error": error}
        return answer(fields)

    def failures(self):
        def ends(status, error):
            def accept(received):
                self.ending = (status, error)
                return self.answer(received)

            return accept

        failed = {"code": "generation_failed", "message": "generate_image returned empty results"}
        return {
            "server_error": answer({"error": "boom"}, 500),
            "server_error:job": ends("failed", failed),
            "lost:cancelled": ends("cancelled", {"code": "cancelled", "message": "job cancelled by client"}),
            "no_image": ends("completed", None),
            "overloaded": answer({"error": "busy"}, 503),
            "bad_gateway": answer({"error": "bad gateway"}, 502),
            "rate_limited": answer({"error": "job queue is full"}, 429),
        }

    def rate_limits(self):
        return {"queue full": (answer({"error": "job queue is full"}, 429), 0.4)}

    def seed_of(self, received):
        return received.json()["seed"]

    def references_of(self, received):
        return [b64decode(picture) for picture in received.json()["ref_images"]]

    def mask_of(self, received):
        return b64decode(received.json()["mask_image"])


class TestSdCpp(ProviderContract):
    wire_type = SdCppWire

    def test_parameters_go_where_the_server_looks_for_them(self, studio, wire):
        self.generate(studio, steps=9, cfg=1.5, sampler="euler", width=640).result(WAIT)
        asked = wire.submits[0].json()
        assert asked["sample_params"] == {
            "sample_steps": 9,
            "sample_method": "euler",
            "guidance": {"txt_cfg": 1.5},
        }
        assert asked["width"] == 640
        assert not asked.keys() & {"steps", "cfg", "sampler", "reference_use", "strength"}

    def test_an_image_to_start_from_goes_with_its_strength(self, studio, wire):
        pictures = [png(40, 30), png(30, 40)]
        self.generate(studio, references=pictures, reference_use="start", strength=0.4).result(WAIT)
        asked = wire.submits[0].json()
        assert b64decode(asked["init_image"]) == pictures[0]
        assert wire.references_of(wire.submits[0]) == pictures[1:]
        assert asked["strength"] == 0.4

    def test_wrong_parameters_are_the_users(self, studio, wire):
        wire.script.append(answer({"error": "invalid generation parameters"}, 400))
        with pytest.raises(errors.BadRequest, match="invalid generation parameters"):
            self.generate(studio).result(WAIT)


def asked(wire, question):
    async def ask():
        provider = SdCpp(wire.origin)
        async with new_client() as client:
            return await question(provider, Http(provider, client, lambda: None))

    return asyncio.run(ask())


def test_what_the_server_can_do_is_discovered():
    with SdCppWire() as wire:
        (model,) = asked(wire, lambda provider, http: provider.discover(http))
    assert (model.id, model.title) == ("sd-cpp-local", "boats")
    shown = {parameter.name: parameter for parameter in model.parameters}
    assert shown["sampler"].choices == ("euler", "euler_a")
    assert shown["output_format"].choices == ("png", "jpeg")
    assert (shown["width"].maximum, shown["width"].default, shown["height"].default) == (2048, 1024, 768)
    assert (shown["steps"].default, shown["cfg"].default) == (9, 1.0)


def test_a_server_that_makes_only_videos_has_no_image_model():
    with SdCppWire([answer({**CAPABILITIES, "supported_modes": ["vid_gen"]})]) as wire:
        assert asked(wire, lambda provider, http: provider.discover(http)) == []


def test_a_queued_job_says_its_place_and_is_cancelled():
    with SdCppWire() as wire:
        wire.waiting = True
        ticket = {"id": "job_1", "n": 1}
        pending = asked(wire, lambda provider, http: provider.poll(ticket, http))
        assert (pending.queue_position, pending.ticket) == (2, ticket)
        assert asked(wire, lambda provider, http: provider.cancel(ticket, http)) == "cancelled"
        wire.script.append(answer({"error": "job is running"}, 409))
        assert asked(wire, lambda provider, http: provider.cancel(ticket, http)) == "unsupported"
    assert wire.cancelled == ["job_1"]
