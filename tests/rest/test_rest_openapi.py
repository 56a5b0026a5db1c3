"""The OpenAPI description is true: schemathesis sends what it allows and what it forbids to a real server."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS
from schemathesis.generation import GenerationMode

from imgplay_widget._engine.clients import Clients
from imgplay_widget.errors import InvalidRequest
from imgplay_widget.server.rest.document import document
from imgplay_widget.server.rest.endpoints import ENDPOINTS
from imgplay_widget.testing import FakeProvider, InstantClock
from tests.rest.conftest import BASE as SMALL_BASE
from tests.server.conftest import WAIT, Server

ROOT = Path(__file__).resolve().parents[2]
BASE = "/api/image-playground"
DESCRIBED = document(ENDPOINTS, BASE)

WANTED = {"provider": "fake", "model": "image", "prompt": "a fox"}

schemathesis.checks.load_all_checks()
LEFT_OUT = (
    # What a request may hold depends on its model too, which a schema cannot say.
    "positive_data_acceptance",
    # It sends each request twice more. A test below tries each address once without a login.
    "ignored_auth",
)
TRIED = [check for check in CHECKS.get_all() if check.__name__ not in LEFT_OUT]

schemathesis.serializer.alias(
    [kind for one in ENDPOINTS for kind in one.binary if kind.startswith("image/")],
    "application/octet-stream",
)
api = schemathesis.openapi.from_dict(DESCRIBED)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    async def fetch(self, url):
        raise InvalidRequest("No link leads anywhere here.", parameter="references")

    store = tmp_path_factory.mktemp("rest") / "studio.sqlite"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Clients, "fetch", fetch)
        server = Server(store, providers=[FakeProvider()], clock=InstantClock(), heartbeat=None)
        yield Running(server)
        server.stop()


class Running:
    """A server with a finished batch, whose ids are in the paths of requests."""

    def __init__(self, server):
        self.address = server.base + BASE
        self.headers = {"Authorization": f"Bearer {server.token}"}
        self._script = server.browser(headers=self.headers)
        self._batch = {}

    def ids(self):
        """Return ids that exist now."""
        there = self._batch and self._get(f"/batches/{self._batch['id']}")
        if not there or not there["generations"]:
            self._batch = self._script.post(f"{BASE}/generate", json=WANTED).json()
        (generation, *_) = self._batch["generations"]
        return {
            "topicId": self._batch["topicId"],
            "batchId": self._batch["id"],
            "generationId": generation["id"],
        }

    def _get(self, path):
        answer = self._script.get(BASE + path)
        return answer.json() if answer.status_code == 200 else None


@api.exclude(path="/events").parametrize()
@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_fits_the_description(case, running):
    positive = case.meta is None or case.meta.generation.mode is GenerationMode.POSITIVE
    if positive:
        for name in case.path_parameters or {}:
            case.path_parameters[name] = running.ids()[name]
        if isinstance(case.body, dict) and "provider" in case.body:
            case.body |= {"provider": "fake", "model": "image"}
            case.body.pop("topicId", None)
    case.call_and_validate(base_url=running.address, headers=running.headers, checks=TRIED, timeout=WAIT)


def test_each_address_needs_a_login(running):
    for path, methods in DESCRIBED["paths"].items():
        for method in methods.keys() & {"get", "post", "patch", "delete"}:
            for headers in ({}, {"Authorization": "Bearer wrong"}):
                with httpx.stream(method.upper(), running.address + path, headers=headers) as answer:
                    assert answer.status_code == 403, (method, path)


def test_the_committed_description_is_the_served_one(client):
    served_now = client.get("/openapi.json").json()
    committed = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    assert served_now["servers"] == [{"url": SMALL_BASE}]
    assert served_now | {"servers": None} == committed | {"servers": None}
    assert committed["openapi"].startswith("3.1.")
