"""Servers on the user's own hardware never speak of bills. A server that may be a gateway does."""

from __future__ import annotations

import json
from typing import ClassVar

import pytest

from imgplay_widget import errors
from imgplay_widget.providers.a1111 import A1111
from imgplay_widget.providers.comfyui import ComfyUI
from imgplay_widget.providers.sdcpp import SdCpp
from imgplay_widget.testing import open_studio
from imgplay_widget.testing.server import Answer, ProviderServer, answer
from tests.servers.openai_server import HANG, RESET_AFTER

WAIT = 30
CUT = Answer(200, {"Content-Type": "application/json"}, b'{"images": [', cut=5)
GATEWAY = Answer(504, {"Content-Type": "text/html"}, b"<html>Gateway Timeout</html>")
JUNK = answer({"hello": "world"})
EMPTY = answer({"images": [], "data": []})


class Scripted(ProviderServer):
    """A server whose POST of work gets the script, and all of whose questions get an empty table."""

    nodes: ClassVar = {}

    def scripted(self, received):
        return received.method == "POST" and "progress" not in received.path

    def answer(self, received):
        kind = received.path.rpartition("/")[2]
        return answer({kind: self.nodes[kind]} if kind in self.nodes else {})


@pytest.fixture
def workflow(tmp_path):
    folder = tmp_path / "workflows"
    folder.mkdir()
    graph = {
        "1": {"class_type": "CloudImage", "inputs": {"prompt": "{prompt}"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
    }
    (folder / "flow.json").write_text(json.dumps(graph))
    return folder


def provider_of(kind, server, workflows):
    if kind == "comfyui":
        return ComfyUI(server.origin, workflows=workflows), "comfyui:flow"
    made = {"a1111": A1111, "sdcpp": SdCpp}[kind](server.origin)
    return made, made.models()[0].name


FAULTS = {"reset": RESET_AFTER, "cut": CUT, "504": GATEWAY, "junk": JUNK, "none": EMPTY}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("kind", ["a1111", "sdcpp", "comfyui"])
def test_a_lost_answer_of_a_free_server_is_not_repeated_and_names_no_bill(kind, fault, workflow):
    with Scripted([fault]) as server:
        provider, model = provider_of(kind, server, workflow)
        with open_studio(provider) as studio:
            batch = studio.generate("a fox", model=model)
            with pytest.raises(errors.ProviderError) as caught:
                batch.result(WAIT)
            told = batch[0].error
            assert (told.maybe_billed, "billed" in str(caught.value) + told.next_step) == (False, False)
            assert not isinstance(caught.value, errors.Uncertain)
        work = [r for r in server.requests if server.scripted(r)]
        assert len(work) == 1


@pytest.mark.parametrize("fault", [RESET_AFTER, GATEWAY], ids=["reset", "504"])
@pytest.mark.parametrize("marked", [True, False])
def test_a_workflow_with_paid_nodes_may_have_been_billed(fault, marked, workflow):
    with Scripted([fault]) as server:
        server.nodes = {"CloudImage": {"input": {}, "api_node": marked}, "SaveImage": {"input": {}}}
        with open_studio(ComfyUI(server.origin, workflows=workflow)) as studio:
            batch = studio.generate("a fox", model="comfyui:flow")
            with pytest.raises(errors.Uncertain if marked else errors.ProviderError) as caught:
                batch.result(WAIT)
            assert isinstance(caught.value, errors.Uncertain) is marked
            assert ("billed" in str(caught.value)) is marked


def test_a_server_that_a_user_added_may_be_a_gateway_wherever_it_listens():
    with Scripted([RESET_AFTER]) as server, open_studio() as studio:
        studio.add_server("mine", server.origin)
        batch = studio.generate("a fox", model="mine:any")
        with pytest.raises(errors.Uncertain):
            batch.result(WAIT)
        assert sum(r.path.endswith("/images/generations") for r in server.requests) == 1


def test_a_cancelled_call_of_a_free_server_names_no_bill():
    with Scripted([HANG]) as server, open_studio(A1111(server.origin)) as studio:
        batch = studio.generate("a fox", model="a1111:loaded")
        assert server.wait_for(lambda seen: any(r.path.endswith("txt2img") for r in seen))
        batch.cancel()
        assert "bill" not in str(batch[0].error)
