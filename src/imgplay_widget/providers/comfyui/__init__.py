"""ComfyUI: a server on this machine or network, and the user's workflows.

The protocol is that of the server's own code and documentation. ``/history`` and ``/queue`` tell about jobs;
a websocket tells about steps and previews if the extra ``comfyui`` is installed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import uuid
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import platformdirs

from imgplay_widget import catalog
from imgplay_widget._types import Done, Missing, ModelSpec, Partial, Pending, ProviderSpec, Remote, Unit
from imgplay_widget.errors import (
    BadRequest,
    BadResponse,
    Cancelled,
    ConnectFailed,
    Lost,
    ModelNotFound,
    NetworkError,
    NoImage,
    ProviderError,
    ServerError,
)
from imgplay_widget.providers._shared.answers import collected, read_images, rows, table, text
from imgplay_widget.providers._shared.environment import variable
from imgplay_widget.providers._shared.failures import before_the_call, failure, perhaps_billed
from imgplay_widget.providers._shared.wire import json_of
from imgplay_widget.providers.cloud import HttpProvider
from imgplay_widget.providers.comfyui.answers import (
    files_of,
    options,
    position_of,
    title,
    with_choices,
    words_of,
)
from imgplay_widget.providers.comfyui.editor import Lacking, NotConverted, classes, converted, is_drawing
from imgplay_widget.providers.comfyui.reading import NotAWorkflow, read
from imgplay_widget.providers.comfyui.socket import AVAILABLE, listen
from imgplay_widget.providers.comfyui.workflows import Workflow, plain_graph

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence

    from imgplay_widget.providers.base import CancelOutcome
    from imgplay_widget.providers.http import Http, Reply

__all__ = ["ComfyUI"]

_CHECKPOINT = re.compile(r".+\.(safetensors|sft|ckpt|pt|pth|gguf)", re.IGNORECASE)
_DEFAULT = "default"
_OWN_NODES = frozenset(
    {
        *("CheckpointLoaderSimple", "UNETLoader", "VAELoader", "CLIPLoader", "DualCLIPLoader", "LoraLoader"),
        *("CLIPTextEncode", "FluxGuidance", "KSampler", "KSamplerAdvanced", "SamplerCustomAdvanced"),
        *("EmptyLatentImage", "EmptySD3LatentImage", "EmptyImage", "VAEEncode", "VAEDecode"),
        *("LoadImage", "ImageScale", "SaveImage", "PreviewImage"),
    }
)
"""The usual nodes of ComfyUI itself, which compute on the server. They cost nothing."""
_INSTALL = (
    "Install what is missing in ComfyUI, for instance with its Manager, start it again, then try again."
)
_LACKS = re.compile("does not exist|missing_node_type|may not be installed", re.IGNORECASE)
"""What a server says of a node that it does not have."""


class ComfyUI(HttpProvider):
    """A ComfyUI server.

    Its models are the checkpoints of the server, each in a plain workflow, and the user's own workflows:
    files in API format or in that of the editor, whose inputs become parameters. In a workflow, the prompt
    goes to the text that the sampler reads, or to every text that says ``{prompt}``.

    Args:
        base_url: None means ``COMFYUI_URL``, or port 8188 of this machine.
        workflows: the folder of the workflow files; None means ``COMFYUI_WORKFLOWS``, or the folder
            ``comfyui`` beside the history.
    """

    spec = ProviderSpec(
        name="comfyui",
        title="ComfyUI",
        # The server has a queue of its own, and shows the place of a job in it.
        concurrency=8,
        # The server computes. A workflow with nodes that call a cloud is a paid model.
        free=True,
    )
    address = "http://127.0.0.1:8188"
    address_variable = "COMFYUI_URL"

    def __init__(
        self, base_url: str | None = None, *, workflows: str | os.PathLike[str] | None = None
    ) -> None:
        super().__init__(base_url)
        data = Path(platformdirs.user_data_dir("imgplay-widget", appauthor=False))
        # What the server said of its kinds of nodes: True for one that calls a paid API.
        self._kinds: dict[str, bool] = dict.fromkeys(_OWN_NODES, False)
        # The workflows in which a paid node was found.
        self._paid: set[str] = set()
        folder = workflows or variable("COMFYUI_WORKFLOWS") or data / "comfyui"
        # os.path, because a Path raises an error if there is no such user, and the server has more models.
        self._folder = Path(os.path.expanduser(folder))  # noqa: PTH111

    def models(self) -> Sequence[ModelSpec]:
        """Return the first checkpoint and the user's workflows. `discover` finds the other checkpoints."""
        return (_plain(), *(self._workflow_spec(name, {}) for name in self._files()))

    def model(self, id: str) -> ModelSpec | None:
        """Return a workflow, or a checkpoint by its file name, whether the server has it or not."""
        if id in self._files():
            return self._workflow_spec(id, {})
        plain = _plain()
        if id == plain.id:
            return plain
        return replace(plain, id=id, title=title(id), description="") if _CHECKPOINT.fullmatch(id) else None

    async def discover(self, http: Http) -> Sequence[ModelSpec] | None:
        """Ask for the server's checkpoints, samplers and schedulers, and the choices of the workflows."""
        kinds = {"CheckpointLoaderSimple", "KSampler"}
        for path in self._files().values():
            with contextlib.suppress(NotAWorkflow):
                kinds |= _classes(_load(path))
        known = await self._nodes(kinds, http)
        plain = with_choices(_plain(), table(known.get("KSampler")))
        checkpoints = options(table(known.get("CheckpointLoaderSimple")), "ckpt_name")
        return [
            plain,
            *(replace(plain, id=name, title=title(name), description="") for name in checkpoints),
            *(self._workflow_spec(name, known) for name in self._files()),
        ]

    def bills(self, model: ModelSpec) -> bool:
        """Return whether a workflow has nodes that call a paid API, as far as the server was asked."""
        return model.paid or model.id in self._paid

    async def check(self, http: Http) -> None:
        """Ask whether the server is there."""
        await self._get(http, "/system_stats")

    # -------------------------------------------------------------- jobs

    async def submit(self, unit: Unit, http: Http) -> Pending | Done:
        """Put a workflow into the server's queue, with an id of our own."""
        with before_the_call():
            graph = await self._graph(unit, http)
            await self._look_for_paid(unit.model, graph, http)
        job = unit.key or str(uuid.uuid4())
        ticket: dict[str, Any] = {"prompt_id": job, "places": list(unit.positions), "applied": {}}
        if unit.model == _DEFAULT:
            ticket["applied"] = {"checkpoint": graph["loader"]["inputs"]["ckpt_name"]}
        body = {"prompt": graph, "prompt_id": job, "client_id": job}
        try:
            reply = await http.request("POST", f"{self.base_url}/prompt", json=body)
        except NetworkError as error:
            # The answer is lost, but the job can be found by its id.
            if isinstance(error, ConnectFailed) or not await self._has(job, http):
                if unit.model in self._paid and not isinstance(error, ConnectFailed):
                    perhaps_billed(error)
                raise
            return Pending(ticket=ticket)
        try:
            given = text(self._read(reply, http).get("prompt_id"))
        except (ServerError, BadResponse) as error:
            if unit.model in self._paid:
                # A gateway before the server may have stopped waiting.
                perhaps_billed(error)
            raise
        if not given:
            raise BadResponse("The answer holds no prompt_id.", provider=self.spec.name)
        # Older servers choose the id themselves.
        return Pending(ticket={**ticket, "prompt_id": given})

    async def poll(self, ticket: Mapping[str, Any], http: Http) -> Pending | Done:
        """Ask for a job, which is finished, in the queue or gone."""
        job = str(ticket["prompt_id"])
        entry = await self._history(job, http)
        if not entry:
            position = position_of(job, await self._get(http, "/queue"))
            if position is not None:
                return Pending(ticket=ticket, queue_position=position or None)
            # The job may have ended between the two questions.
            entry = await self._history(job, http)
        if not entry:
            raise Lost(
                "ComfyUI no longer knows the job: it was restarted, or its history was cleared.",
                provider=self.spec.name,
            )
        return self._outcome(entry, ticket, http)

    def listen(self, ticket: Mapping[str, Any], http: Http) -> AsyncGenerator[Partial] | None:
        """Listen to the steps and previews of a job, if the optional websocket client is installed."""
        return self._steps(str(ticket["prompt_id"])) if AVAILABLE else None

    async def _steps(self, job: str) -> AsyncGenerator[Partial]:
        async with aclosing(listen(self.base_url, job)) as looks:
            async for look in looks:
                yield Partial(index=0, data=look.preview, progress=look.progress)

    async def cancel(self, ticket: Mapping[str, Any], http: Http) -> CancelOutcome:
        """Take a job out of the queue, or interrupt it. Leave the jobs of others alone."""
        job = str(ticket["prompt_id"])
        position = position_of(job, await self._get(http, "/queue"))
        if position is None:
            return "unsupported"
        if position:
            await http.request("POST", f"{self.base_url}/queue", json={"delete": [job]})
            return "cancelled"
        # Older servers ignore the id and stop the running job, which is this one.
        await http.request("POST", f"{self.base_url}/interrupt", json={"prompt_id": job})
        return "requested"

    def _outcome(self, entry: Mapping[str, Any], ticket: Mapping[str, Any], http: Http) -> Pending | Done:
        status = table(entry.get("status"))
        word = text(status.get("status_str"))
        if word == "error":
            return self._failure(status, http)
        if word not in ("", "success"):
            return Pending(ticket=ticket)
        unit = Unit(model="", prompt="", params={}, positions=tuple(ticket["places"]), seeds=())
        used = table(ticket.get("applied"))
        found = [
            Remote(url=f"{self.base_url}/view?{urlencode(file)}", applied=used) for file in files_of(entry)
        ]
        if not found:
            absent = NoImage(
                "The workflow ended without an image.",
                provider=self.spec.name,
                next_step="See that it saves or previews an image; what is cached is not saved again.",
            )
            return Done(images=(Missing(error=absent.info),))
        return collected(found, unit.n, http)

    def _failure(self, status: Mapping[str, Any], http: Http) -> Done:
        """Return the end of a failed job as a missing image. The engine would ask again after an error."""
        for message in rows(status.get("messages")):
            event, data = (*rows(message), None, None)[:2]
            if event == "execution_interrupted":
                raise Cancelled("The job was interrupted in ComfyUI.")
            if event == "execution_error":
                said = table(data)
                words = http.redact(text(said.get("exception_message"))).strip()[:500]
                where = http.redact(text(said.get("node_type")))[:100]
                return Done(images=(_failed(f"ComfyUI: {words or 'a node failed'} ({where})."),))
        return Done(images=(_failed("ComfyUI: the workflow failed."),))

    # -------------------------------------------------------------- workflows

    def workflow_folder(self) -> Path:
        """Return the folder with the workflows of the user."""
        return self._folder

    async def read_workflow(self, data: bytes, http: Http) -> str:
        """Return a workflow in API format. The server is asked only for a workflow of the editor.

        Args:
            data: the file: JSON in the format of the API or of the editor, the body of a ``POST /prompt``, or
                a PNG that ComfyUI saved.
            http: the provider's own client.

        Raises:
            BadRequest: the file is not a workflow, or a node cannot be converted; the message names it.
            ProviderError: the server could not be asked for its nodes.
        """
        try:
            drawn = read(data)
            known = await self._nodes(_classes(drawn), http) if is_drawing(drawn) else {}
            return json.dumps(_graph_of(drawn, known), indent=1, ensure_ascii=False)
        except NotAWorkflow as error:
            raise _unusable(str(error), error) from error

    def _files(self) -> dict[str, Path]:
        found = sorted(self._folder.glob("*.json")) if self._folder.is_dir() else []
        return {path.stem: path for path in found if path.stem != _DEFAULT}

    def _workflow_spec(self, id: str, known: Mapping[str, Any]) -> ModelSpec:
        """Return a workflow as a model. `known` has the nodes of the server, if it was asked."""
        bare = ModelSpec(provider=self.spec.name, id=id, title=id)
        try:
            data = _load(self._files()[id])
            if is_drawing(data) and not known:
                return replace(bare, notice="Its inputs are shown once ComfyUI has answered.")
            flow = Workflow.of(_graph_of(data, known))
        except NotAWorkflow as error:
            step = f" {_INSTALL}" if isinstance(error.__cause__, Lacking) else ""
            return replace(bare, notice=f"It cannot be used: {error}{step}")
        paid = any(self._kinds.get(kind) for kind in flow.classes)
        spec = flow.spec(self.spec.name, id, known)
        spec = replace(spec, progress=AVAILABLE, previews=AVAILABLE, paid=paid)
        lacking = sorted(flow.classes - {*known}) if known else []
        if lacking:
            return replace(spec, notice=f"ComfyUI lacks {', '.join(lacking)}. {_INSTALL}")
        return spec

    async def _look_for_paid(self, id: str, graph: Mapping[str, Any], http: Http) -> None:
        """Ask the server which nodes of a workflow call a paid API: ComfyUI marks them by ``api_node``.

        Each kind of node is asked for once. A server that does not answer this does not stop the call.
        """
        if id not in self._files():
            return
        kinds = {str(node["class_type"]) for node in graph.values()}
        for kind in sorted(kinds - self._kinds.keys()):
            try:
                self._learn(await self._get(http, f"/object_info/{quote(kind, safe='')}"))
            except ProviderError:
                break
        if any(self._kinds.get(kind) for kind in kinds):
            self._paid.add(id)
        else:
            self._paid.discard(id)

    def _learn(self, known: Mapping[str, Any]) -> None:
        self._kinds |= {kind: table(node).get("api_node") is True for kind, node in known.items()}

    async def _graph(self, unit: Unit, http: Http) -> dict[str, Any]:
        path = self._files().get(unit.model)
        if path is None:
            checkpoint = await self._checkpoint(unit.model, http)
            flow = Workflow.of(plain_graph(checkpoint, edits=bool(unit.references)))
        else:
            try:
                data = _load(path)
                known = await self._nodes(_classes(data), http) if is_drawing(data) else {}
                flow = Workflow.of(_graph_of(data, known))
            except NotAWorkflow as error:
                raise _unusable(f"The workflow {unit.model} cannot be used: {error}", error) from error
        return flow.filled(unit, [await self._upload(reference, http) for reference in unit.references])

    async def _nodes(self, kinds: Iterable[str], http: Http) -> dict[str, Any]:
        """Return what the server knows of some classes of nodes. What it does not have is not in it."""
        known: dict[str, Any] = {}
        for kind in sorted(kinds):
            known |= await self._get(http, f"/object_info/{quote(kind, safe='')}")
        self._learn(known)
        return known

    async def _checkpoint(self, model: str, http: Http) -> str:
        if model != _DEFAULT:
            return model
        node = await self._get(http, "/object_info/CheckpointLoaderSimple")
        names = options(table(node.get("CheckpointLoaderSimple")), "ckpt_name")
        if not names:
            raise ModelNotFound(
                "ComfyUI has no checkpoint.",
                provider=self.spec.name,
                next_step="Put one into its folder models/checkpoints, or use a workflow of your own.",
            )
        return names[0]

    async def _upload(self, reference: Any, http: Http) -> str:
        # The name comes from the content, so the same image replaces itself.
        name = f"imgplay-{reference.digest[:24]}.{reference.media_type.rpartition('/')[2]}"
        reply = await http.request(
            "POST",
            f"{self.base_url}/upload/image",
            files={"image": (name, http.reference(reference), reference.media_type)},
            data={"type": "input", "overwrite": "true"},
        )
        answer = self._read(reply, http)
        folder = text(answer.get("subfolder"))
        return f"{folder}/{answer.get('name', name)}" if folder else str(answer.get("name", name))

    # -------------------------------------------------------------- questions and answers

    async def _get(self, http: Http, path: str) -> dict[str, Any]:
        return self._read(await http.request("GET", self.base_url + path), http)

    async def _history(self, job: str, http: Http) -> dict[str, Any]:
        return table((await self._get(http, f"/history/{quote(job, safe='')}")).get(job))

    async def _has(self, job: str, http: Http) -> bool:
        try:
            queued = position_of(job, await self._get(http, "/queue")) is not None
            return queued or bool(await self._history(job, http))
        except ProviderError:
            return False

    def _read(self, reply: Reply, http: Http) -> dict[str, Any]:
        if not reply.ok:
            raise self._error(reply, http)
        return read_images(reply.body, reply.content_type, http)

    def _error(self, reply: Reply, http: Http) -> ProviderError:
        body = table(json_of(reply.body))
        words, kind = words_of(body), text(table(body.get("error")).get("type"))
        match reply.status:
            case 401 | 403:
                return failure(reply, http, words, next_step="See whether a proxy before it wants a login.")
            case 404:
                message = f"{http.redact(self.base_url)} is no ComfyUI server (HTTP 404)."
                return failure(reply, http, kind=BadResponse, message=message)
            case 400 if _LACKS.search(words) or _LACKS.search(kind):
                return failure(reply, http, words, kind=BadRequest, next_step=_INSTALL)
            case status if status < 500 and "ckpt_name" in words:
                return failure(reply, http, words, kind=ModelNotFound)
            case _:
                return failure(reply, http, words)


def _plain() -> ModelSpec:
    """Return the model of the plain workflow, with the server's first checkpoint."""
    (plain,) = catalog.load("comfyui")
    return replace(plain, progress=AVAILABLE, previews=AVAILABLE)


def _load(path: Path) -> dict[str, Any]:
    """Return the workflow of a file.

    Raises:
        NotAWorkflow: the file is none, or cannot be read.
    """
    try:
        return read(path.read_bytes())
    except OSError as error:
        raise NotAWorkflow(f"The file cannot be read: {error.strerror or error}.") from error


def _classes(data: Mapping[str, Any]) -> set[str]:
    """Return the classes of the nodes of a workflow in either format."""
    try:
        return classes(data) if is_drawing(data) else Workflow.of(data).classes
    except NotConverted as error:
        raise NotAWorkflow(str(error)) from error


def _graph_of(data: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a workflow in API format."""
    try:
        return converted(data, known) if is_drawing(data) else data
    except NotConverted as error:
        raise NotAWorkflow(str(error)) from error


def _unusable(message: str, error: NotAWorkflow) -> BadRequest:
    lacks = isinstance(error.__cause__, Lacking)
    step = _INSTALL if lacks else "Choose a file that ComfyUI's editor saved or exported."
    return BadRequest(message, provider="comfyui", next_step=step)


def _failed(message: str) -> Missing:
    """Return the end of a job in which a node failed. That is a matter of the server, and not of the call."""
    step = "See ComfyUI's own log, or run the workflow in its editor, which marks the node."
    return Missing(error=ServerError(message, provider="comfyui", next_step=step).info)
