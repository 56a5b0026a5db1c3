"""ComfyUI passes the contract."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from imgplay_widget.providers.comfyui import ComfyUI
from imgplay_widget.testing.contract import ProviderContract, Wire
from imgplay_widget.testing.server import Answer, answer

CHECKPOINT = "sdxl/turbo.safetensors"


def node(name: str, choices: list[str]) -> dict:
    return {"input": {"required": {name: [choices]}}}


class ComfyUIWire(Wire):
    model = CHECKPOINT
    seeded = True
    queued = True
    cancellable = True
    keyed = False

    def __init__(self, script=()):
        super().__init__(script)
        self.jobs = {}
        self.uploads = {}
        self.error = None
        self.empty = False

    @classmethod
    def connect(cls, origin):
        return ComfyUI(origin, workflows="/nowhere")

    def is_submit(self, received):
        return received.path == "/prompt"

    def answer(self, received):
        path = urlsplit(received.path).path
        if path == "/prompt":
            return self.prompt(received.json())
        if path == "/upload/image":
            (data,) = received.form()["image"]
            name = f"picture-{len(self.uploads)}.png"
            self.uploads[name] = data
            return answer({"name": name, "subfolder": "", "type": "input"})
        if path == "/queue" and received.method == "GET":
            return answer({"queue_running": self.running(), "queue_pending": []})
        if path in ("/queue", "/interrupt"):
            return Answer(200, {}, b"")
        if path.startswith("/history/"):
            return answer(self.history(path.rpartition("/")[2]))
        if path == "/view":
            asked = parse_qs(urlsplit(received.path).query, keep_blank_values=True)
            assert asked == {"filename": ["image_00001_.png"], "subfolder": [""], "type": ["output"]}
            return Answer(200, {"Content-Type": "image/png"}, self.image(0))
        return super().answer(received)

    def prompt(self, asked):
        graph = asked["prompt"]
        self.jobs[asked["prompt_id"]] = graph
        return answer({"prompt_id": asked["prompt_id"], "number": len(self.jobs), "node_errors": {}})

    def running(self):
        if not self.waiting:
            return []
        return [[number, job, {}, {}, []] for number, job in enumerate(self.jobs)]

    def history(self, job):
        if self.gone or self.waiting or job not in self.jobs:
            return {}
        status = {"status_str": "success", "completed": True, "messages": []}
        if self.unknown:
            status = {"status_str": "resting", "completed": False, "messages": []}
        if self.error:
            start = ["execution_start", {"prompt_id": job}]
            status = {"status_str": "error", "completed": False, "messages": [start, self.error]}
        file = {"filename": "image_00001_.png", "subfolder": "", "type": "output"}
        outputs = {} if self.empty else {"saver": {"images": [file]}}
        return {job: {"prompt": [], "outputs": outputs, "status": status}}

    def failures(self):
        def no_image(received):
            self.empty = True
            return self.answer(received)

        def out_of_memory(received):
            self.error = [
                "execution_error",
                {
                    "node_id": "sampler",
                    "node_type": "KSampler",
                    "exception_message": "Allocation on device",
                    "exception_type": "torch.OutOfMemoryError",
                },
            ]
            return self.answer(received)

        said = {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation"}
        wrong = {
            "type": "value_not_in_list",
            "message": "Value not in list",
            "details": "ckpt_name: 'x' not in []",
        }
        unknown = {"class_type": "CheckpointLoaderSimple", "errors": [wrong]}
        return {
            "bad_key:proxy": Answer(401, {"Content-Type": "text/html"}, b"<html>login</html>"),
            "model_not_found": answer({"error": said, "node_errors": {"loader": unknown}}, 400),
            "server_error:500": Answer(500, {"Content-Type": "text/plain"}, b"oops"),
            "server_error:memory": out_of_memory,
            "overloaded": Answer(503, {"Content-Type": "text/plain"}, b"starting"),
            "bad_gateway:502": Answer(502, {"Content-Type": "text/html"}, b"<html>bad gateway</html>"),
            "no_image": no_image,
        }

    def seed_of(self, received):
        graph = received.json()["prompt"]
        return next(n["inputs"]["seed"] for n in graph.values() if n["class_type"] == "KSampler")

    def references_of(self, received):
        graph = received.json()["prompt"]
        names = [n["inputs"]["image"] for n in graph.values() if n["class_type"] == "LoadImage"]
        return [self.uploads[name] for name in names]


class TestComfyUI(ProviderContract):
    wire_type = ComfyUIWire
