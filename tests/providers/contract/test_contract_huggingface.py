"""Hugging Face passes the contract in the dialects of its partners."""

from __future__ import annotations

import asyncio
from base64 import b64encode

import pytest

from imgplay_widget import errors
from imgplay_widget.providers.http import Http, new_client
from imgplay_widget.providers.huggingface import HuggingFace
from imgplay_widget.testing import InstantClock, open_studio, png
from imgplay_widget.testing.contract import KEY, WAIT, ProviderContract, Wire
from imgplay_widget.testing.server import Answer, answer

REPO = "black-forest-labs/FLUX.1-dev"
HUB = {
    "hf-inference": {"status": "live", "providerId": REPO, "task": "text-to-image"},
    "fal-ai": {"status": "live", "providerId": "fal-ai/flux/dev", "task": "text-to-image"},
    "together": {"status": "live", "providerId": "bfl/flux", "task": "text-to-image"},
    "nscale": {"status": "live", "providerId": "bfl/flux", "task": "text-to-image"},
    "replicate": {"status": "live", "providerId": "bfl/flux-dev", "task": "text-to-image"},
    "wavespeed": {"status": "live", "providerId": "wavespeed-ai/flux-dev", "task": "text-to-image"},
    "zai-org": {"status": "live", "providerId": "glm-image", "task": "text-to-image"},
    "unheard-of": {"status": "live", "providerId": "x", "task": "text-to-image"},
}


EDITORS = ("hf-inference", "fal-ai", "together", "replicate", "wavespeed")
BOTH = [
    *({"provider": name, **row} for name, row in HUB.items()),
    *({"provider": name, **HUB[name], "task": "image-to-image"} for name in EDITORS),
]
"""What a model has that also changes images."""


class HubWire(Wire):
    """The Hub, and hf-inference behind the router."""

    model = REPO
    partner = "hf-inference"
    seeded = True

    def __init__(self, script=()):
        super().__init__(script)
        self.mapping: object = HUB

    @classmethod
    def connect(cls, origin):
        return HuggingFace(origin, hub_url=origin)

    def scripted(self, received):
        return self.is_submit(received)

    def answer(self, received):
        if received.path.startswith("/api/models/nobody/"):
            return answer({"error": "Repository not found"}, 404)
        if received.path.startswith("/api/models/"):
            return answer({"id": REPO, "inferenceProviderMapping": self.mapping})
        assert received.path.startswith(f"/{self.partner}/")
        return self.serve(received)

    def serve(self, received):
        assert received.path.startswith("/hf-inference/models/")
        return Answer(200, {"Content-Type": "image/png"}, self.image(0))

    def failures(self):
        return {
            "bad_key": answer({"error": "Invalid credentials in Authorization header"}, 401),
            "bad_key:403": answer({"error": "This token lacks the permission"}, 403),
            "billing": answer({"error": "You have exceeded your monthly included credits"}, 402),
            "moderated": answer({"error": ["NSFW content detected"]}, 422),
            "model_not_found": answer({"error": "Not Found"}, 404),
            "model_not_found:gone": answer({"error": "The model is no longer supported"}, 410),
            "rate_limited": answer({"error": "slow down"}, 429),
            "server_error": answer({"error": ["it broke", "badly"]}, 500),
            "overloaded": answer({"error": "Model is loading", "estimated_time": 20.0}, 503),
            "bad_gateway": answer({"error": "too slow"}, 504),
        }

    def rate_limits(self):
        return {"seconds": (answer({"error": "slow down"}, 429, Retry_After="7"), 7.0)}

    def seed_of(self, received):
        return received.json()["parameters"]["seed"]


class TestHfInference(ProviderContract):
    wire_type = HubWire

    def test_parameters_go_under_the_hubs_names(self, studio, wire):
        self.generate(studio, steps=12, cfg=3.5, width=512, height=768, seed=5).result(WAIT)
        asked = wire.submits[0].json()
        assert asked["parameters"] == {
            "num_inference_steps": 12,
            "guidance_scale": 3.5,
            "width": 512,
            "height": 768,
            "seed": 5,
        }

    @pytest.mark.parametrize(
        ("mapping", "model"),
        [
            ({"unheard-of": HUB["unheard-of"]}, REPO),
            ({}, REPO),
            ({"fal-ai": {**HUB["fal-ai"], "status": "error"}}, REPO),
            ({"hf-inference": HUB["hf-inference"]}, f"{REPO}:fal-ai"),
            (HUB, "nobody/nothing"),
        ],
    )
    def test_a_model_that_nobody_serves_is_told_before_anything_is_sent(self, studio, wire, mapping, model):
        wire.mapping = mapping
        with pytest.raises(errors.ModelNotFound):
            self.generate(studio, model=model).result(WAIT)
        assert wire.submits == []

    def test_the_mapping_may_be_a_list(self, studio, wire):
        wire.mapping = [{"provider": name, **row} for name, row in HUB.items()]
        assert self.generate(studio).result(WAIT)[0].bytes == wire.image(0)


class FalWire(HubWire):
    model = f"{REPO}:fal-ai"
    partner = "fal-ai"
    linked = True

    def serve(self, received):
        assert received.path == "/fal-ai/fal-ai/flux/dev"
        return answer({"images": [{"url": self.link()}], "seed": received.json()["seed"]})

    def failures(self):
        return {
            "moderated:flag": lambda received: answer(
                {"images": [{"url": self.link()}], "has_nsfw_concepts": [True]}
            ),
            "no_image": answer({"images": []}),
        }

    def rate_limits(self):
        return {}

    def seed_of(self, received):
        return received.json()["seed"]


class TestFal(ProviderContract):
    wire_type = FalWire


class NscaleWire(FalWire):
    model = f"{REPO}:nscale"
    partner = "nscale"
    linked = False

    def serve(self, received):
        assert received.path == f"/{self.partner}/v1/images/generations"
        return self.image_in_data()

    def image_in_data(self):
        return answer({"data": [{"b64_json": b64encode(self.image(0)).decode()}]})

    def failures(self):
        return {"no_image": answer({"data": []})}


class TestNscale(ProviderContract):
    wire_type = NscaleWire


class TogetherWire(NscaleWire):
    model = f"{REPO}:together"
    partner = "together"

    def serve(self, received):
        return self.image_in_data()


class TestTogetherBehindTheRouter(ProviderContract):
    wire_type = TogetherWire


class ReplicateWire(FalWire):
    model = f"{REPO}:replicate"
    partner = "replicate"

    def serve(self, received):
        assert received.path == "/replicate/v1/models/bfl/flux-dev/predictions"
        assert received.headers["prefer"] == "wait"
        return answer({"id": "p1", "status": "succeeded", "output": [self.link()], "error": None})

    def failures(self):
        return {
            "moderated": answer({"status": "failed", "output": None, "error": "NSFW content detected"}),
            "server_error": answer({"status": "failed", "output": None, "error": "out of memory"}),
            "bad_gateway:slow": answer({"status": "processing", "output": None, "error": None}),
            "no_image": answer({"status": "succeeded", "output": []}),
        }

    def seed_of(self, received):
        return received.json()["input"]["seed"]


class TestReplicateBehindTheRouter(ProviderContract):
    wire_type = ReplicateWire


class WaveSpeedWire(FalWire):
    model = f"{REPO}:wavespeed"
    partner = "wavespeed"
    queued = True

    def serve(self, received):
        if received.method == "POST":
            assert received.path == "/wavespeed/api/v3/wavespeed-ai/flux-dev"
            # The link names the partner's own host; the job is asked for through the router.
            job = "https://api.wavespeed.example/api/v3/predictions/w1/result"
            return answer({"data": {"id": "w1", "status": "created", "urls": {"get": job}}})
        assert received.path == "/wavespeed/api/v3/predictions/w1/result"
        if self.gone:
            return answer({"message": "not found"}, 404)
        return self.state()

    def state(self):
        status = "dreaming" if self.unknown else "processing" if self.waiting else "completed"
        return answer({"data": {"status": status, "outputs": [self.link()]}})

    def failures(self):
        def fails(received):
            self.state = lambda: answer({"data": {"status": "failed", "error": "it broke"}})
            return self.answer(received)

        return {"server_error": fails}


class TestWaveSpeed(ProviderContract):
    wire_type = WaveSpeedWire


class ZaiWire(WaveSpeedWire):
    model = f"{REPO}:zai-org"
    partner = "zai-org"

    def serve(self, received):
        if received.method == "POST":
            assert received.path == "/zai-org/api/paas/v4/async/images/generations"
            return answer({"id": "z1", "task_status": "PROCESSING"})
        assert received.path == "/zai-org/api/paas/v4/async-result/z1"
        if self.gone:
            return answer({"error": {"message": "not found"}}, 404)
        return self.state()

    def state(self):
        status = "DREAMING" if self.unknown else "PROCESSING" if self.waiting else "SUCCESS"
        return answer({"task_status": status, "image_result": [{"url": self.link()}]})

    def failures(self):
        def fails(received):
            self.state = lambda: answer({"task_status": "FAIL"})
            return self.answer(received)

        return {"server_error": fails}


class TestZai(ProviderContract):
    wire_type = ZaiWire


def asked(wire, question):
    async def ask():
        provider = HuggingFace(wire.origin, hub_url=wire.origin)
        async with new_client() as client:
            return await question(provider, Http(provider, client, lambda: KEY))

    return asyncio.run(ask())


def test_discovery_adds_what_the_partners_serve():
    listed = [answer([{"id": "acme/painter"}, {"id": REPO}])] * 7
    with Wire(listed) as wire:
        found = [model.id for model in asked(wire, lambda provider, http: provider.discover(http))]
    assert found.count(REPO) == found.count("acme/painter") == 1


def test_the_check_tells_a_bad_token():
    with Wire([answer({"name": "ann"}), answer({"error": "Invalid username or password."}, 401)]) as wire:
        asked(wire, lambda provider, http: provider.check(http))
        with pytest.raises(errors.BadKey):
            asked(wire, lambda provider, http: provider.check(http))
        assert [received.path for received in wire.requests] == ["/api/whoami-v2"] * 2


def test_the_token_goes_to_the_hubs_api_alone():
    provider = HuggingFace()
    assert provider.takes_key("https://huggingface.co/api/whoami-v2")
    assert not provider.takes_key("https://huggingface.co/someone/a/resolve/main/x.png")
    assert not provider.takes_key("https://huggingface.co.example/api/whoami-v2")
    assert not HuggingFace(hub_url="http://mirror.example").takes_key("http://mirror.example/api/x")


# ------------------------------------------------------------------ input images

EDITOR = "acme/editor"
PICTURE = png(40, 30)
DATA = f"data:image/png;base64,{b64encode(PICTURE).decode()}"


class EditWire(Wire):
    """The Hub, and a partner behind the router that changes an input image."""

    def __init__(self, partner, served="acme/served", task="image-to-image"):
        super().__init__()
        self.mapping = {partner: {"status": "live", "providerId": served, "task": task}}

    def answer(self, received):
        path = received.path
        if path.startswith("/api/models/"):
            return answer({"id": EDITOR, "inferenceProviderMapping": self.mapping})
        if path.startswith("/hf-inference/"):
            return Answer(200, {"Content-Type": "image/png"}, self.image(0))
        if path.startswith("/fal-ai/"):
            return self.queue(path)
        if path.startswith("/replicate/"):
            return answer({"id": "p1", "status": "succeeded", "output": [self.link()], "error": None})
        if path.startswith("/wavespeed/"):
            job = "https://api.wavespeed.example/api/v3/predictions/w1/result"
            done = {"status": "completed", "outputs": [self.link()], "urls": {"get": job}}
            return answer({"data": done})
        return answer({"data": [{"b64_json": b64encode(self.image(0)).decode()}]})

    def queue(self, path):
        if "/requests/" not in path:
            return answer(
                {"request_id": "r1", "response_url": "https://queue.fal.example/acme/app/requests/r1"}
            )
        if "/status" in path:
            asked = sum("/status" in one.path for one in self.requests)
            return answer({"status": "COMPLETED" if asked > 1 else "IN_PROGRESS"})
        return answer({"images": [{"url": self.link()}], "seed": 1})


def edited(wire, tmp_path, **options):
    """Return what the partner got for a request with an input image."""
    provider = HuggingFace(wire.origin, hub_url=wire.origin)
    with open_studio(
        provider, store=tmp_path / "hf.sqlite", keys={"huggingface": KEY}, clock=InstantClock()
    ) as studio:
        options = {"references": [PICTURE], "steps": 12, **options}
        batch = studio.generate("a red fox", model=f"huggingface:{EDITOR}", **options).result(WAIT)
        assert batch[0].bytes == wire.image(0)
    (sent,) = wire.submits
    return sent


@pytest.mark.parametrize(
    ("partner", "served", "path", "fields"),
    [
        (
            "hf-inference",
            EDITOR,
            f"/hf-inference/models/{EDITOR}",
            {
                "inputs": DATA.partition("base64,")[2],
                "parameters": {"prompt": "a red fox", "num_inference_steps": 12},
            },
        ),
        (
            "fal-ai",
            "acme/app/edit",
            "/fal-ai/acme/app/edit?_subdomain=queue",
            {"prompt": "a red fox", "num_inference_steps": 12, "image_url": DATA, "image_urls": [DATA]},
        ),
        (
            "replicate",
            "acme/served",
            "/replicate/v1/models/acme/served/predictions",
            {
                "input": {
                    "prompt": "a red fox",
                    "num_inference_steps": 12,
                    "image": DATA,
                    "images": [DATA],
                    "input_image": DATA,
                    "input_images": [DATA],
                }
            },
        ),
        (
            "together",
            "acme/served",
            "/together/v1/images/generations",
            {
                "model": "acme/served",
                "prompt": "a red fox",
                "response_format": "base64",
                "steps": 12,
                "reference_images": [DATA],
            },
        ),
        (
            "together",
            "black-forest-labs/FLUX.1-kontext-pro",
            "/together/v1/images/generations",
            {
                "model": "black-forest-labs/FLUX.1-kontext-pro",
                "prompt": "a red fox",
                "response_format": "base64",
                "steps": 12,
                "image_url": DATA,
            },
        ),
        (
            "wavespeed",
            "acme/served",
            "/wavespeed/api/v3/acme/served",
            {"prompt": "a red fox", "num_inference_steps": 12, "image": DATA},
        ),
    ],
)
def test_a_partner_changes_an_input_image(tmp_path, partner, served, path, fields):
    with EditWire(partner, served) as wire:
        sent = edited(wire, tmp_path)
    assert (sent.path, sent.json()) == (path, fields)
    if partner == "fal-ai":
        questions = [one.path for one in wire.requests if "/requests/" in one.path]
        job = "/fal-ai/acme/app/requests/r1"
        status = f"{job}/status?_subdomain=queue"
        assert questions == [status, status, f"{job}?_subdomain=queue"]


def test_a_size_that_is_set_goes_along_with_an_input_image(tmp_path):
    with EditWire("hf-inference", EDITOR) as wire:
        sent = edited(wire, tmp_path, width=512, height=768, steps=None)
    assert sent.json()["parameters"] == {
        "prompt": "a red fox",
        "target_size": {"width": 512, "height": 768},
    }


@pytest.mark.parametrize("address", ["nowhere", "https://fal.example/acme/../secret/requests/r1", ""])
def test_a_job_whose_place_is_strange_is_not_asked_for(tmp_path, address):
    class Strange(EditWire):
        def queue(self, path):
            return answer({"request_id": "r1", "response_url": address})

    with Strange("fal-ai") as wire, pytest.raises(errors.BadResponse, match="without saying where"):
        edited(wire, tmp_path)
    assert len(wire.submits) == 1


def test_an_image_that_fal_held_back_is_told(tmp_path):
    class Held(EditWire):
        def queue(self, path):
            if path.endswith("/requests/r1?_subdomain=queue"):
                return answer({"images": [{"url": self.link()}], "has_nsfw_concepts": [True]})
            return super().queue(path)

    with Held("fal-ai") as wire, pytest.raises(errors.Moderated, match="held back"):
        edited(wire, tmp_path)


@pytest.mark.parametrize(
    ("rows", "references", "notice", "steps"),
    [
        ({"together": "image-to-image"}, 1, "It needs a reference.", True),
        ({"together": "text-to-image", "fal-ai": "image-to-image"}, 1, "", True),
        ({"together": "text-to-image"}, 0, "", True),
        ({"nscale": "text-to-image"}, 0, "", False),
        ({"nscale": "image-to-image", "together": "text-to-image"}, 0, "", True),
    ],
)
def test_the_hub_tells_what_a_typed_model_does(rows, references, notice, steps):
    with Wire() as wire:
        mapping = {name: {"status": "live", "providerId": "x", "task": task} for name, task in rows.items()}
        wire.script = [answer({"inferenceProviderMapping": mapping})]
        spec = asked(wire, lambda provider, http: provider.describe(EDITOR, http))
    rule = spec.references
    assert (rule.max_count if rule else 0, spec.notice, spec.parameter("steps") is not None) == (
        references,
        notice,
        steps,
    )


@pytest.mark.parametrize("reply", [answer({"error": "not found"}, 404), answer({"id": EDITOR})])
def test_the_hub_does_not_know_every_typed_model(reply):
    with Wire([reply]) as wire:
        assert asked(wire, lambda provider, http: provider.describe(EDITOR, http)) is None


def test_nscale_gets_no_number_of_steps(tmp_path):
    provider = HuggingFace()
    assert provider.model(f"{REPO}:nscale").parameter("steps") is None
    assert provider.model(f"{REPO}:together").parameter("steps") is not None
    # Where only nscale serves a listed model, the call is refused before it is sent.
    with NscaleWire() as wire:
        wire.mapping = {"nscale": HUB["nscale"]}
        made = NscaleWire.connect(wire.origin)
        with (
            open_studio(made, store=tmp_path / "n.sqlite", keys={"huggingface": KEY}) as studio,
            pytest.raises(errors.BadRequest, match="does not take steps"),
        ):
            studio.generate("a fox", model=f"huggingface:{REPO}", steps=12).result(WAIT)
        assert wire.submits == []
