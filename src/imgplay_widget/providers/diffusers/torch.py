"""The only module that knows torch and diffusers. It imports both when the first pipeline is loaded."""

from __future__ import annotations

import gc
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgplay_widget.errors import BadKey, BadRequest, MissingExtra, ModelNotFound, NetworkError, ProviderError
from imgplay_widget.providers._shared.failures import unbilled
from imgplay_widget.providers.diffusers.pipelines import NAME, Setup, brief

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from PIL.Image import Image

__all__ = ["EXTRA", "Torch", "installed"]

EXTRA = 'pip install "imgplay-widget[diffusers]"'
"""The command that installs the packages."""

LOOK_EDGE = 320
"""The longer edge of a preview, in pixels. Decoding a small image costs little."""

_SCHEDULERS = {
    "ddim": "DDIMScheduler",
    "dpmpp_2m": "DPMSolverMultistepScheduler",
    "euler": "EulerDiscreteScheduler",
    "euler_ancestral": "EulerAncestralDiscreteScheduler",
    "unipc": "UniPCMultistepScheduler",
}


def installed() -> bool:
    """Return whether the packages are installed, without importing them."""
    return all(find_spec(name) is not None for name in ("torch", "diffusers", "transformers"))


def missing_extra(error: ImportError | None = None) -> MissingExtra:
    """Return the error that says how to install the packages."""
    detail = "" if error is None else f" ({brief(error)})"
    return MissingExtra(
        f"Local pipelines need packages that are not installed{detail}.",
        provider=NAME,
        next_step=f"Run {EXTRA}, then retry.",
    )


class Torch:
    """Loads and serves real pipelines."""

    def load(self, source: str, setup: Setup) -> Any:
        """Return the pipeline of a folder, or of a repository that the user named.

        Raises:
            MissingExtra: a package is not installed.
            ModelNotFound: there is no such pipeline.
            BadKey: its repository is closed to the user.
            NetworkError: the pipeline could not be downloaded.
        """
        try:
            torch, diffusers = import_module("torch"), import_module("diffusers")
            import_module("transformers")
        except ImportError as error:
            raise missing_extra(error) from error
        local = Path(source).is_dir()
        device = setup.device or _best_device(torch)
        try:
            with _quiet():
                pipe = diffusers.DiffusionPipeline.from_pretrained(
                    source,
                    dtype=_dtype(torch, device, setup.dtype),
                    # Weights in pickles can run code. A folder is whole, so nothing is downloaded for it.
                    use_safetensors=True,
                    local_files_only=local or None,
                )
        except (OSError, ValueError, ImportError, RuntimeError) as error:
            raise _load_error(source, error, local=local) from error
        pipe.set_progress_bar_config(disable=True)
        if setup.offload and device != "cpu":
            pipe.enable_model_cpu_offload(device=device)
        else:
            pipe.to(device)
        return pipe

    def with_image(self, pipe: Any) -> Any:
        """Return the pipeline that starts from an image.

        Raises:
            BadRequest: the pipeline has no such form.
        """
        diffusers = import_module("diffusers")
        try:
            found = diffusers.AutoPipelineForImage2Image.from_pipe(pipe)
        except ValueError as error:
            raise BadRequest(
                f"{type(pipe).__name__} takes no references.",
                provider=NAME,
                next_step="Leave them out, or choose another model.",
            ) from error
        found.set_progress_bar_config(disable=True)
        return found

    def scheduler(self, pipe: Any, name: str) -> Any:
        """Return another scheduler with the settings of the pipeline's own."""
        kind = getattr(import_module("diffusers"), _SCHEDULERS[name])
        return kind.from_config(pipe.scheduler.config)

    def generator(self, seed: int) -> Any:
        """Return a source of noise on the CPU, which gives the same numbers for every device."""
        return import_module("torch").Generator("cpu").manual_seed(seed)

    def look(self, pipe: Any, latents: Any, size: tuple[int, int] | None) -> Sequence[Image]:
        """Decode the latents at a small size. Return nothing for latents of an unknown form."""
        vae: Any = getattr(pipe, "vae", None)
        config: Any = getattr(vae, "config", None)
        factor = getattr(config, "scaling_factor", None)
        # Decoding would move offloaded parts to and fro, and a VAE that overflows in 16 bits shows black.
        offloaded = bool(getattr(pipe, "_all_hooks", None))
        torch = import_module("torch")
        overflows = getattr(config, "force_upcast", False) and vae.dtype == torch.float16
        if factor is None or offloaded or overflows:
            return ()
        if latents.ndim == 3 and hasattr(pipe, "_unpack_latents"):
            edge = pipe.default_sample_size * pipe.vae_scale_factor
            width, height = size or (edge, edge)
            latents = pipe._unpack_latents(latents, height, width, pipe.vae_scale_factor)  # noqa: SLF001
        if latents.ndim != 4 or latents.shape[1] != config.latent_channels:
            return ()
        latents = latents / factor + (getattr(config, "shift_factor", None) or 0.0)
        shrink = LOOK_EDGE / (max(latents.shape[2:]) * pipe.vae_scale_factor)
        if shrink < 1:
            latents = torch.nn.functional.interpolate(latents.float(), scale_factor=shrink, mode="area")
        with torch.no_grad():
            decoded = vae.decode(latents.to(vae.device, vae.dtype), return_dict=False)[0]
        return pipe.image_processor.postprocess(decoded.detach(), output_type="pil")

    def free(self, pipe: Any) -> None:
        """Release the hooks of offloaded parts."""
        if getattr(pipe, "_all_hooks", None):
            pipe.maybe_free_model_hooks()

    def tidy(self) -> None:
        """Give unused memory back to the device."""
        gc.collect()
        torch = import_module("torch")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        elif torch.backends.mps.is_available():
            torch.mps.empty_cache()


def _best_device(torch: Any) -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _dtype(torch: Any, device: str, name: str | None) -> Any:
    if name is not None:
        found = getattr(torch, name, None)
        if not isinstance(found, torch.dtype):
            raise BadRequest(
                f"torch has no type {name!r}.", provider=NAME, next_step="Take for instance dtype='bfloat16'."
            )
        return found
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.float16 if device == "mps" else torch.float32


@contextmanager
def _quiet() -> Generator[None]:
    """Keep the progress bars of loading out of the running cell, and restore their setting afterwards."""
    with ExitStack() as stack:
        for module in ("diffusers.utils.logging", "transformers.utils.logging"):
            logging = import_module(module)
            if logging.is_progress_bar_enabled():
                logging.disable_progress_bar()
                stack.callback(logging.enable_progress_bar)
        yield


def _load_error(source: str, error: Exception, *, local: bool) -> ProviderError:
    """Return why a pipeline cannot be loaded, by the errors of the libraries and their causes."""
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and len(chain) < 8:
        chain.append(cause)
    kinds = {kind.__name__ for link in chain for kind in type(link).__mro__}
    if isinstance(error, ImportError):
        return missing_extra(error)
    if local:
        return ModelNotFound(
            f"The folder {source} holds no pipeline that can be loaded: {brief(error)}",
            provider=NAME,
            next_step="Give a folder with a model_index.json and weights as .safetensors.",
        )
    if "GatedRepoError" in kinds:
        return BadKey(
            f"{source} is open only to those who accepted its terms.",
            provider=NAME,
            next_step="Accept them on its page of the Hugging Face Hub, set HF_TOKEN, then retry.",
        )
    if "OfflineModeIsEnabled" in kinds or ("LocalEntryNotFoundError" in kinds and _offline()):
        return ModelNotFound(
            f"{source} is not on this machine, and offline mode forbids to fetch it.",
            provider=NAME,
            next_step="Unset HF_HUB_OFFLINE, or give the folder of a pipeline.",
        )
    if kinds & {"ConnectError", "ConnectionError", "TimeoutException", "Timeout", "LocalEntryNotFoundError"}:
        return unbilled(NetworkError(f"{source} could not be fetched: {brief(error)}", provider=NAME))
    return ModelNotFound(
        f"{source} could not be loaded: {brief(error)}",
        provider=NAME,
        next_step="Check the id: it must be a repository with a pipeline for diffusers.",
    )


def _offline() -> bool:
    return bool(import_module("huggingface_hub").constants.HF_HUB_OFFLINE)
