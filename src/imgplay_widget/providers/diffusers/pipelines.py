"""Hold and run local pipelines: one at a time, on a thread of its own. This module knows nothing about torch.

A pipeline computes for seconds or minutes and cannot be awaited, so each drawing has a thread. A drawing can
stop only after a step, when the pipeline asks. The thread is a daemon, so that an interpreter that ends does
not wait for a long job; `Shelf.close` gives the thread the time to leave the native code.
"""

from __future__ import annotations

import inspect
import io
import threading
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from PIL import Image, ImageOps, UnidentifiedImageError

from imgplay_widget._types import Done, Inline, Missing, Partial, Unit
from imgplay_widget.errors import BadRequest, Moderated, ProviderError, ServerError
from imgplay_widget.providers.http import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

__all__ = ["Backend", "Drawing", "Setup", "Shelf", "brief"]

NAME = "diffusers"

LOOK_EVERY = 0.3
"""The fewest seconds between two previews."""

LOOK_SHARE = 4.0
"""After a preview that took t seconds, this many times t pass without a preview."""

_CLOSE_WAIT = 10.0
"""The seconds that the end of the interpreter waits for the current step."""

_WIRE = {"negative_prompt": "negative_prompt", "steps": "num_inference_steps", "strength": "strength"}
"""Our names of parameters, and the names of the pipelines."""

_OURS = {wire: name for name, wire in _WIRE.items()} | {"guidance_scale": "cfg", "image": "references"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Where and how pipelines run.

    Attributes:
        device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"`` …; None takes the best device.
        dtype: the name of torch's type, for instance ``"bfloat16"``; None takes one that suits the device.
        offload: True keeps only the part that computes on the device.
    """

    device: str | None = None
    dtype: str | None = None
    offload: bool = False


class Backend(Protocol):
    """The part that knows torch and diffusers. One drawing at a time calls it, on its thread."""

    def load(self, source: str, setup: Setup) -> Any:
        """Return a pipeline. Raise a `ProviderError`, or any error of the libraries."""
        ...

    def with_image(self, pipe: Any) -> Any:
        """Return the pipeline that starts from an image, made of the same parts, or raise a ValueError."""
        ...

    def scheduler(self, pipe: Any, name: str) -> Any:
        """Return another scheduler with the settings of the pipeline's own."""
        ...

    def generator(self, seed: int) -> Any:
        """Return a source of noise."""
        ...

    def look(self, pipe: Any, latents: Any, size: tuple[int, int] | None) -> Sequence[Image.Image]:
        """Return a small picture of each image as it is now, or nothing if this is impossible."""
        ...

    def free(self, pipe: Any) -> None:
        """Bring offloaded parts back into the state in which a call finds them."""
        ...

    def tidy(self) -> None:
        """Give unused memory back to the device."""
        ...


class _Stopped(Exception):
    """Nobody waits for the image any more."""


class Shelf:
    """The one loaded pipeline, which one drawing at a time uses. The shelf is thread-safe.

    Args:
        backend: loads and serves pipelines.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._key: tuple[str, Setup] | None = None
        self._pipe: Any = None

    @contextmanager
    def borrow(self, source: str, setup: Setup, *, wanted: Callable[[], bool]) -> Generator[Any]:
        """Return the pipeline, and load it if another one or none is loaded.

        Args:
            source: a folder, or the id of a repository.
            setup: where and how it runs.
            wanted: is asked once the shelf is free; if it returns False, nothing is loaded.
        """
        with self._lock:
            if not wanted():
                raise _Stopped
            if self._key != (source, setup):
                # The old pipeline goes first, because two may not fit into memory.
                self._drop()
                self._pipe = self.backend.load(source, setup)
                self._key = (source, setup)
            yield self._pipe

    def unload(self) -> bool:
        """Free the memory of the pipeline. Return False if a drawing has it."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            self._drop()
        finally:
            self._lock.release()
        return True

    def close(self) -> None:
        """Stop the drawing at its next step, and wait a little for this."""
        self.closing.set()
        if self._lock.acquire(timeout=_CLOSE_WAIT):
            self._lock.release()

    def _drop(self) -> None:
        if self._key is not None:
            self._key = self._pipe = None
            self.backend.tidy()


class Drawing:
    """One call of a pipeline.

    Args:
        unit: the unit to draw.
        source: the folder or id of its pipeline.
        references: the bytes of its input images.
        shelf: the holder of the pipeline.
        setup: where and how the pipeline runs.
        tell: receives progress, then the answer or the error, on the drawing's thread.
    """

    def __init__(
        self,
        unit: Unit,
        source: str,
        references: Sequence[bytes],
        *,
        shelf: Shelf,
        setup: Setup,
        tell: Callable[[Partial | Done | ProviderError], None],
    ) -> None:
        self._unit = unit
        self._source = source
        self._references = references
        self._shelf = shelf
        self._backend = shelf.backend
        self._setup = setup
        self._tell = tell
        self._stop = threading.Event()
        self._next_look = 0.0
        self._looking = True

    def start(self) -> None:
        """Begin, on a thread of its own."""
        threading.Thread(target=self.run, name="imgplay-diffusers", daemon=True).start()

    def stop(self) -> None:
        """End the drawing at its next step. After that, `tell` is not called."""
        self._stop.set()

    def run(self) -> None:
        """Draw, and tell everything but a stop."""
        try:
            answer = self._draw()
        except _Stopped:
            return
        except ProviderError as error:
            answer = error
        except Exception as error:  # noqa: BLE001 - foreign code may raise anything
            answer = self._failure(error)
        if self._wanted():
            self._tell(answer)

    def _wanted(self) -> bool:
        return not (self._stop.is_set() or self._shelf.closing.is_set())

    def _draw(self) -> Done:
        with self._shelf.borrow(self._source, self._setup, wanted=self._wanted) as base:
            if not self._wanted():
                raise _Stopped
            pipe = self._backend.with_image(base) if self._references else base
            own = base.scheduler if "scheduler" in self._unit.params else None
            try:
                if own is not None:
                    pipe.scheduler = self._backend.scheduler(base, str(self._unit.params["scheduler"]))
                result = pipe(**self._arguments(pipe))
            finally:
                if own is not None:
                    pipe.scheduler = own
                # A stopped call, and a call of the pipeline for images, leave this undone.
                self._backend.free(base)
            return Done(images=tuple(self._images(result)))

    # -------------------------------------------------------------- what goes in

    def _arguments(self, pipe: Any) -> dict[str, Any]:
        unit, params = self._unit, dict(self._unit.params)
        taken = inspect.signature(pipe.__call__).parameters
        values: dict[str, Any] = {"prompt": unit.prompt, "num_images_per_prompt": unit.n}
        values |= {_WIRE[name]: params[name] for name in _WIRE if name in params}
        values |= {name: params[name] for name in ("width", "height") if name in params}
        # Some pipelines have two kinds of guidance. True guidance counts if it is on by default.
        true = "true_cfg_scale" in taken and float(taken["true_cfg_scale"].default or 0) > 1
        if "cfg" in params:
            values["true_cfg_scale" if true else "guidance_scale"] = params["cfg"]
        if self._references:
            values["image"] = self._start_image()
            for name in {"width", "height"} - set(taken):
                # The image already has this size.
                values.pop(name, None)
        elif "strength" in params:
            raise _refusal("Strength counts only with a reference.", "Add one, or leave strength out.")
        if unit.n == 1 and "num_images_per_prompt" not in taken:
            del values["num_images_per_prompt"]
        unknown = sorted(set(values) - set(taken))
        if "negative_prompt" in values and "true_cfg_scale" in taken and not true:
            unknown.append("negative_prompt")
        if unknown:
            what = _OURS.get(unknown[0], unknown[0])
            raise _refusal(f"{type(pipe).__name__} takes no {what}.", f"Leave {what} out, then try again.")
        values["generator"] = [self._backend.generator(seed or 0) for seed in unit.seeds]
        values["output_type"] = "pil"
        if "callback_on_step_end" in taken:
            values["callback_on_step_end"] = self._on_step
            tensors = getattr(pipe, "_callback_tensor_inputs", ())
            values["callback_on_step_end_tensor_inputs"] = ["latents"] if "latents" in tensors else []
        return values

    def _start_image(self) -> Image.Image:
        try:
            with Image.open(io.BytesIO(self._references[0])) as image:
                start = ImageOps.exif_transpose(image).convert("RGB")
        except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
            message = "The reference is not an image that can be read."
            raise _refusal(message, "Choose another one.") from error
        size = self._size()
        return start if size is None else ImageOps.fit(start, size)

    def _size(self) -> tuple[int, int] | None:
        width, height = self._unit.params.get("width"), self._unit.params.get("height")
        return None if width is None or height is None else (int(width), int(height))

    # -------------------------------------------------------------- on the way

    def _on_step(self, pipe: Any, index: int, _time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        if not self._wanted():
            # Only this way out decodes nothing and leaves the pipeline ready for the next call.
            raise _Stopped
        steps = getattr(pipe, "num_timesteps", None) or self._unit.params.get("steps") or index + 1
        progress = min(1.0, (index + 1) / int(steps))
        looks = self._looks(pipe, tensors) if progress < 1 else ()
        for image in range(self._unit.n):
            data = looks[image] if image < len(looks) else None
            self._tell(Partial(index=image, data=data, progress=progress))
        return tensors

    def _looks(self, pipe: Any, tensors: Mapping[str, Any]) -> Sequence[bytes]:
        began = time.monotonic()
        if not self._looking or "latents" not in tensors or began < self._next_look:
            return ()
        try:
            pictures = self._backend.look(pipe, tensors["latents"], self._size())
            looks = [_encode(picture, "JPEG") for picture in pictures]
        except Exception:  # noqa: BLE001 - a look that fails must not cost the picture
            looks = []
        self._looking = bool(looks)
        took = time.monotonic() - began
        self._next_look = began + took + max(LOOK_EVERY, LOOK_SHARE * took)
        return looks

    # -------------------------------------------------------------- what comes out

    def _images(self, result: Any) -> Iterator[Inline | Missing]:
        flags: Sequence[Any] = getattr(result, "nsfw_content_detected", None) or ()
        for index, picture in enumerate(result.images):
            if any(flags[index : index + 1]):
                refused = Moderated("The pipeline's safety checker blacked the image out.", provider=NAME)
                yield Missing(error=refused.info)
                continue
            asked = self._unit.params
            size = {"width": picture.width, "height": picture.height}
            yield Inline(
                data=_encode(picture, "PNG"),
                applied={name: value for name, value in size.items() if asked.get(name) != value},
            )

    def _failure(self, error: Exception) -> ProviderError:
        if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
            # The frames of the failed call hold the objects that filled the memory.
            traceback.clear_frames(error.__traceback__)
            self._backend.tidy()
            full = ServerError(
                "The device has too little memory for this image.",
                provider=NAME,
                next_step="Take a smaller size, or Diffusers(offload=True), then try again.",
            )
            full.fault = "here"
            return full
        if isinstance(error, (ValueError, TypeError)):
            return BadRequest(f"The pipeline refused the request: {brief(error)}", provider=NAME)
        failed = ServerError(
            f"The pipeline failed: {type(error).__name__}: {brief(error)}",
            provider=NAME,
            next_step="Change the request or the model, then try again.",
        )
        failed.fault = "here"
        return failed


def _refusal(message: str, next_step: str) -> BadRequest:
    return BadRequest(message, provider=NAME, next_step=next_step)


def brief(error: BaseException) -> str:
    """Return the beginning of an error's text, without keys."""
    text = " ".join(str(error).split()) or type(error).__name__
    return redact(text if len(text) <= 300 else f"{text[:299]}…")


def _encode(picture: Image.Image, form: str) -> bytes:
    out = io.BytesIO()
    if form == "PNG":
        picture.save(out, form, compress_level=4)
    else:
        picture.convert("RGB").save(out, form, quality=80)
    return out.getvalue()
