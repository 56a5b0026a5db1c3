"""The count of the bytes that images cost: between kernel and page, and in the saved notebook.

A real kernel runs a cell, and this process plays the page. It says hello, acknowledges, keeps the state of
the widgets as JupyterLab does, and at the end writes the notebook that JupyterLab would save. It prints one
line of JSON. ``ours`` generates through the provider; ``ipywidgets`` shows as many images of the same size.
"""

from __future__ import annotations

import argparse
import base64
import json
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from pathlib import Path
from time import monotonic
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.connect import write_connection_file

QUIET = 1.5
"""The seconds of silence after which no more messages come: the synced state is written each second."""
LIMIT = 300.0

PAGE = "bench"
HELLO = {"kind": "request", "id": "1", "call": {"method": "hello", "page": PAGE}}

OURS = """
from imgplay_widget import ImagePlayground
from imgplay_widget.providers.openai import OpenAI
provider = OpenAI({url!r}, name="bench", key_variables=())
pg = ImagePlayground({store!r}, providers=[provider], concurrency={{"bench": 8}})
handles = [pg.generate("a lighthouse on a cliff", model="bench:image", n=1) for _ in range({count})]
pg
"""
IPYWIDGETS = """
import ipywidgets
png = open({picture!r}, "rb").read()
ipywidgets.HBox([ipywidgets.Image(value=png, format="png") for _ in range({count})])
"""


class Kernel:
    """A kernel in its own process, with this process as its page."""

    def __init__(self, python: str, folder: Path) -> None:
        path, _ = write_connection_file(str(folder / "kernel.json"))
        command = [python, "-m", "ipykernel_launcher", "-f", path]
        self._log = (folder / "kernel.log").open("wb")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        self.client = BlockingKernelClient(connection_file=path)
        self.client.load_connection_file()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        self.bytes: Counter[str] = Counter()
        self.models: dict[str, dict[str, Any]] = {}
        self.outputs: list[dict[str, Any]] = []
        self.finished: set[str] = set()
        self.with_thumbnail: set[str] = set()

    def close(self) -> None:
        """End the kernel."""
        self.client.shutdown()
        self._process.wait(30)
        self.client.stop_channels()
        self._log.close()

    def run(self, code: str, expected: int) -> None:
        """Run a cell, and wait until a number of images arrived and no more messages come."""
        self.client.execute(code)
        socket = self.client.iopub_channel.socket
        until = monotonic() + LIMIT
        while monotonic() < until:
            if socket.poll(QUIET * 1000):
                self._take(socket.recv_multipart())
            elif len(self.finished) >= expected and self.outputs:
                return
        raise TimeoutError(f"{len(self.finished)} of {expected} images after {LIMIT:g} s")

    def _take(self, frames: list[bytes]) -> None:
        session = self.client.session
        _, parts = session.feed_identities(frames)
        message = session.deserialize(parts)
        kind, content = message["msg_type"], message["content"]
        if kind == "error":
            raise RuntimeError("\n".join(content["traceback"]))
        if kind in ("comm_open", "comm_msg", "display_data", "execute_result"):
            self.bytes[kind] += sum(map(len, frames))
        if kind in ("display_data", "execute_result"):
            self.outputs.append(
                {"output_type": kind, **{k: v for k, v in content.items() if k != "transient"}}
            )
        elif kind == "comm_open":
            self._update(content["comm_id"], content["data"], message["buffers"])
            if content["data"]["state"].get("_model_module") == "anywidget":
                self._send(content["comm_id"], HELLO)
        elif kind == "comm_msg" and content["data"]["method"] == "update":
            self._update(content["comm_id"], content["data"], message["buffers"])
        elif kind == "comm_msg" and content["data"]["method"] == "custom":
            self._hear(content["comm_id"], content["data"]["content"])

    def _update(self, comm: str, data: dict[str, Any], buffers: list[Any]) -> None:
        model = self.models.setdefault(comm, {"state": {}, "buffers": {}})
        model["state"] |= data["state"]
        for path, buffer in zip(data.get("buffer_paths", []), buffers, strict=True):
            model["buffers"][tuple(path)] = base64.b64encode(buffer).decode()

    def _hear(self, comm: str, content: dict[str, Any]) -> None:
        """Handle a message of our widget to its page."""
        if content["kind"] == "reply":
            assert not content.get("error"), content
            snapshot = content["result"]["snapshot"]
            self._acknowledge(comm, snapshot["seq"])
            found = [
                g for batch in (snapshot["feed"] or {"batches": []})["batches"] for g in batch["generations"]
            ]
        else:
            changes = [event for event in content["events"] if event["type"] == "generation_changed"]
            found = [event["generation"] for event in changes]
            self._acknowledge(comm, content["seq"])
        for generation in found:
            assert generation["status"] not in ("error", "cancelled"), generation
            if generation["status"] == "success":
                self.finished.add(generation["id"])
                if generation.get("thumbnailBuffer") is not None:
                    self.with_thumbnail.add(generation["id"])

    def _acknowledge(self, comm: str, seq: int) -> None:
        self._send(comm, {"kind": "ack", "page": PAGE, "seq": seq})

    def _send(self, comm: str, content: dict[str, Any]) -> None:
        data = {"method": "custom", "content": content}
        self.client.shell_channel.send(self.client.session.msg("comm_msg", {"comm_id": comm, "data": data}))

    def notebook(self, source: str) -> bytes:
        """Return the notebook as JupyterLab saves it, with the state of the widgets."""
        widgets = {comm: _saved(model) for comm, model in self.models.items()}
        state = {"version_major": 2, "version_minor": 0, "state": widgets}
        cell = {
            "cell_type": "code",
            "execution_count": 1,
            "id": "cell",
            "metadata": {},
            "outputs": self.outputs,
            "source": source.splitlines(keepends=True),
        }
        whole = {
            "cells": [cell],
            "metadata": {"widgets": {"application/vnd.jupyter.widget-state+json": state}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        return json.dumps(whole, indent=1, ensure_ascii=False).encode()


def _saved(model: dict[str, Any]) -> dict[str, Any]:
    state = model["state"]
    return {
        "model_name": state["_model_name"],
        "model_module": state["_model_module"],
        "model_module_version": state["_model_module_version"],
        "state": state,
        "buffers": [
            {"encoding": "base64", "path": list(path), "data": data}
            for path, data in model["buffers"].items()
        ],
    }


def fetch(url: str) -> bytes:
    """Return one image of the provider."""
    request = urllib.request.Request(f"{url}/images/generations", data=b"{}", method="POST")
    with urllib.request.urlopen(request) as answer:
        return base64.b64decode(json.load(answer)["data"][0]["b64_json"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("who", choices=["ours", "ipywidgets"])
    parser.add_argument("count", type=int)
    parser.add_argument("url")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="imgplay-bench-") as name:
        folder = Path(name)
        if args.who == "ours":
            code = OURS.format(url=args.url, store=str(folder / "history.sqlite"), count=args.count)
        else:
            (folder / "picture.png").write_bytes(fetch(args.url))
            code = IPYWIDGETS.format(picture=str(folder / "picture.png"), count=args.count)
        kernel = Kernel(sys.executable, folder)
        try:
            kernel.run(code, args.count if args.who == "ours" else 0)
            notebook = kernel.notebook(code)
        finally:
            kernel.close()
    own = sum(
        len(str(model["state"].get(name, "")).encode())
        for model in kernel.models.values()
        for name in ("_esm", "_css")
    )
    figures = {
        "wire_bytes": sum(kernel.bytes.values()),
        "notebook_bytes": len(notebook),
        "page_code_bytes": own,
        "images_pushed": len(kernel.with_thumbnail),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
