"""What a model takes of which a user typed the id: its provider is asked before the first request."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from imgplay_widget._types import ModelSpec, Parameter, ProviderSpec
from imgplay_widget.errors import ConnectFailed, ServerError, StoreLocked, UnknownParameter
from imgplay_widget.providers.fal import Fal
from imgplay_widget.providers.replicate import Replicate
from imgplay_widget.testing import FakeProvider, Gate, InstantClock, open_studio
from imgplay_widget.testing.server import ProviderServer, answer

WAIT = 20
KEY = "sk-canary-0123"
TYPED = "cloud:typed/by-hand"
STEPS = Parameter(name="steps", type="integer", title="Steps", minimum=1, maximum=50)


def told(**more):
    return ModelSpec(provider="cloud", id="typed/by-hand", title="Typed", parameters=(STEPS,), **more)


class Cloud(FakeProvider):
    """A provider that takes any id, and says what a model takes when it is asked."""

    def __init__(self, *answers):
        super().__init__(name="cloud")
        self.spec = ProviderSpec(name="cloud", title="Cloud", key_variables=("CLOUD_TEST_KEY",))
        self.answers = list(answers)
        self.asked = []

    def model(self, id):
        return super().model(id) or ModelSpec(provider="cloud", id=id, title=id)

    async def describe(self, id, http):
        self.asked.append(id)
        said = self.answers.pop(0) if self.answers else told()
        if isinstance(said, Gate):
            await said.wait()
            said = told()
        if isinstance(said, Exception):
            raise said
        return said


@pytest.fixture
def open_cloud(tmp_path):
    def opener(*providers, **options):
        options = {"store": tmp_path / "described.sqlite", "keys": {"cloud": KEY}, **options}
        return open_studio(*providers, **options)

    return opener


def notice(studio, name=TYPED):
    return studio._core.model(name)[1].notice


def test_a_typed_id_is_asked_for_once_before_the_request_is_built(open_cloud):
    cloud = Cloud()
    with open_cloud(cloud) as studio:
        batch = studio.generate("a fox", model=TYPED, steps=12)
        studio.generate("a fox", model=TYPED, steps=13)
        assert batch.params["steps"] == 12
        with pytest.raises(UnknownParameter, match="takes steps"):
            studio.generate("a fox", model=TYPED, size="2K")
        assert studio.estimate(TYPED, steps=3) is None
        studio.generate("a fox", model="cloud:image")
    assert cloud.asked == ["typed/by-hand"]


def test_the_answer_is_kept_for_later_studios_and_asked_for_again_after_a_day(open_cloud):
    with open_cloud(Cloud()) as studio:
        studio.generate("a fox", model=TYPED, steps=12)
    clock = InstantClock()
    later = Cloud(told(notice="New."))
    with open_cloud(later, clock=clock) as studio:
        studio.generate("a fox", model=TYPED, steps=12)
        assert (later.asked, notice(studio)) == ([], "")
        clock.advance(timedelta(days=2).total_seconds())
        studio.generate("a fox", model=TYPED, steps=12)
        assert (later.asked, notice(studio)) == (["typed/by-hand"], "New.")


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (ConnectFailed("No way there.", provider="cloud"), "No way there."),
        (ServerError("It broke.", provider="cloud"), "It broke."),
        (KeyError("properties"), "is not understood (KeyError: 'properties')"),
        (ValueError(f"bad {KEY}"), "is not understood"),
        (None, "Cloud does not list it."),
    ],
)
def test_a_question_that_fails_leaves_a_usable_model_that_says_so(open_cloud, failure, words):
    clock = InstantClock()
    cloud = Cloud(failure, failure, told())
    with open_cloud(cloud, clock=clock) as studio:
        assert studio.generate("a fox", model=TYPED).result(WAIT)[0].status == "success"
        assert words in notice(studio)
        assert KEY not in notice(studio)
        with pytest.raises(UnknownParameter) as caught:
            studio.generate("a fox", model=TYPED, steps=12)
        # The error does not claim that the model takes nothing.
        assert words in caught.value.message
        assert cloud.asked == ["typed/by-hand"]
        clock.advance(60)
        studio._core.learn(TYPED)
        clock.advance(60)
        assert studio.generate("a fox", model=TYPED, steps=12).params["steps"] == 12
        assert len(cloud.asked) == 3


def test_a_new_key_asks_again_at_once(open_cloud):
    cloud = Cloud(ServerError("Who are you?", provider="cloud"))
    with open_cloud(cloud) as studio:
        studio._core.learn(TYPED)
        assert notice(studio)
        studio.set_key("cloud", KEY + "9")
        studio._core.learn(TYPED)
        assert not notice(studio)


def test_an_old_answer_stays_where_a_new_question_fails(open_cloud):
    clock = InstantClock()
    cloud = Cloud(told(), ServerError("It broke.", provider="cloud"))
    with open_cloud(cloud, clock=clock) as studio:
        studio._core.learn(TYPED)
        clock.advance(timedelta(days=2).total_seconds())
        assert studio.generate("a fox", model=TYPED, steps=12).params["steps"] == 12
        assert (len(cloud.asked), notice(studio)) == (2, "")


def test_a_provider_that_is_silent_holds_a_request_up_for_seconds_alone(open_cloud):
    gate, clock = Gate("open"), InstantClock()
    with open_cloud(Cloud(gate), clock=clock) as studio:
        asked = studio._core.start(studio._core.offers.describe, TYPED)
        assert gate.reached.wait(WAIT)
        clock.advance(11)
        asked.result(WAIT)
        assert "did not answer in 10 s" in notice(studio)
        assert studio.generate("a fox", model=TYPED).result(WAIT)[0].status == "success"
        gate.open()


def test_requests_at_the_same_time_ask_once(open_cloud):
    gate = Gate("open")
    cloud = Cloud(gate)
    with open_cloud(cloud) as studio:
        core = studio._core

        async def both():
            asked = [asyncio.create_task(core.offers.describe(TYPED)) for _ in range(2)]
            while not cloud.asked:
                await asyncio.sleep(0)
            gate.open()
            await asyncio.gather(*asked)

        core.start(both).result(WAIT)
        assert cloud.asked == ["typed/by-hand"]


def test_an_answer_that_cannot_be_stored_is_known_until_the_end(open_cloud, monkeypatch, caplog):
    with open_cloud(Cloud()) as studio:

        def locked(name, value):
            raise StoreLocked("Another program holds it.")

        monkeypatch.setattr(studio._core.archive.store, "save_setting", locked)
        assert studio.generate("a fox", model=TYPED, steps=12).params["steps"] == 12
        assert "could not be stored" in caplog.text


@pytest.mark.parametrize("stored", [[], {"a": 1}, {"a": {"at": "x", "model": {}}}, "nonsense"])
def test_what_cannot_be_read_is_asked_for_again(open_cloud, stored):
    with open_cloud(Cloud()) as studio:
        studio._core.call(studio._core.archive.save_setting, "described:cloud", stored)
    with open_cloud(Cloud()) as studio:
        assert studio.generate("a fox", model=TYPED, steps=12).params["steps"] == 12


def test_the_panel_learns_the_model_that_code_chooses(open_cloud):
    with open_cloud(Cloud()) as studio:
        studio.model = TYPED
        studio._core.start(studio._core.archive.settle).result(WAIT)
        assert set(studio.params) == {"steps"}


# ------------------------------------------------------------------ over the wire

SCHEMA = {
    "paths": {
        "/acme/new": {
            "post": {
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewInput"}}}
                }
            }
        }
    },
    "components": {
        "schemas": {
            "NewInput": {
                "properties": {
                    "prompt": {"type": "string"},
                    "aspect_ratio": {"enum": ["1:1", "16:9"], "type": "string"},
                    "image_urls": {"type": "array", "items": {"type": "string"}},
                }
            }
        }
    },
}


def test_fal_is_asked_for_the_schema_of_one_model(tmp_path):
    record = {"endpoint_id": "acme/new", "metadata": {"display_name": "New"}, "openapi": SCHEMA}
    listed = [answer({"models": [record]}), answer({"request_id": "r1", "status": "IN_QUEUE"})]
    with ProviderServer(listed) as server:
        provider = Fal(server.origin)
        with open_studio(provider, store=tmp_path / "fal.sqlite", keys={"fal": KEY}) as studio:
            batch = studio.generate("a fox", model="fal:acme/new", aspect_ratio="16:9")
            assert server.wait_for(lambda seen: len(seen) >= 2)
            batch.cancel()
            spec = studio._core.model("fal:acme/new")[1]
    first, second = server.requests[:2]
    assert first.path == "/v1/models?endpoint_id=acme%2Fnew&expand=openapi-3.0"
    assert (second.path, second.json()) == ("/acme/new", {"prompt": "a fox", "aspect_ratio": "16:9"})
    assert spec.title == "New"
    assert spec.references is not None
    assert spec.references.wire == "image_urls[]"


VERSION = "ab" * 32
INPUT = {"properties": {"prompt": {"type": "string"}, "steps": {"type": "integer", "maximum": 9}}}
LATEST = {"id": VERSION, "openapi_schema": {"components": {"schemas": {"Input": INPUT}}}}


@pytest.mark.parametrize(
    ("typed", "asked", "record", "sent"),
    [
        (
            "acme/new",
            "/v1/models/acme/new",
            {"owner": "acme", "name": "new", "is_official": True, "latest_version": LATEST},
            ("/v1/models/acme/new/predictions", None),
        ),
        # Only official models run without a version.
        (
            "acme/new",
            "/v1/models/acme/new",
            {"owner": "acme", "name": "new", "is_official": False, "latest_version": LATEST},
            ("/v1/predictions", VERSION),
        ),
        (
            f"acme/new:{VERSION[:16]}",
            f"/v1/models/acme/new/versions/{VERSION[:16]}",
            LATEST,
            ("/v1/predictions", VERSION[:16]),
        ),
    ],
)
def test_replicate_is_asked_for_the_schema_of_one_model(tmp_path, typed, asked, record, sent):
    with ProviderServer([answer(record), answer({"id": "p1", "status": "starting"}, 201)]) as server:
        provider = Replicate(f"{server.origin}/v1")
        with open_studio(provider, store=tmp_path / "r.sqlite", keys={"replicate": KEY}) as studio:
            batch = studio.generate("a fox", model=f"replicate:{typed}", steps=3)
            assert server.wait_for(lambda seen: len(seen) >= 2)
            batch.cancel()
    first, second = server.requests[:2]
    assert first.path == asked
    assert (second.path, second.json().get("version")) == sent
    assert second.json()["input"]["steps"] == 3


@pytest.mark.parametrize("provider", [Fal, Replicate])
def test_a_model_that_nobody_lists_may_be_tried_all_the_same(tmp_path, provider):
    with ProviderServer([answer({"detail": "not found"}, 404)]) as server:
        made = provider(server.origin)
        name = made.spec.name
        with open_studio(made, store=tmp_path / "n.sqlite", keys={name: KEY}) as studio:
            studio._core.learn(f"{name}:acme/none")
            assert "does not list it" in studio._core.model(f"{name}:acme/none")[1].notice
