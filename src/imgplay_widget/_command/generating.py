"""The commands that make images: `generate`, `retry` and `wait`."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgplay_widget._command.documents import batch_documents, path_of_image
from imgplay_widget._command.output import SYSTEM, Exit, next_step_of
from imgplay_widget._command.parsing import dollars
from imgplay_widget._studio.flags import add_confirm, add_request_flags, model_of, parameters
from imgplay_widget.errors import ImgplayError, InvalidRequest, NotFound

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from imgplay_widget._command.output import Printer
    from imgplay_widget._command.parsing import Commands
    from imgplay_widget._command.studio import CommandStudio
    from imgplay_widget._studio.core import Core
    from imgplay_widget._studio.flags import Parser
    from imgplay_widget._studio.handles import BatchHandle, GenerationHandle
    from imgplay_widget._types import Entry

__all__ = ["add"]

STOPPED = "Stopped waiting."

LARGEST_PROMPT = 2**20
"""The most bytes of a prompt on standard input. No model takes as many."""


def add(commands: Commands) -> None:
    """Add the commands."""
    parser = commands.add(
        "generate",
        generate,
        "ask for images, wait for them, and print their paths",
        examples=[
            'imgplay generate "a red fox in snow" -m demo:instant -n 4 -o foxes',
            'imgplay generate "a red fox" -m demo:instant -p width=768 -p style=soft --seed 7',
            'imgplay generate "a red fox" --preset poster',
            "imgplay generate - -m demo:instant < prompt.txt",
            "imgplay generate -m demo:upscale --reference fox.png -o large",
        ],
    )
    parser.add_argument(
        "prompt",
        nargs="?",
        default="",
        help="what the image shall show; - reads it from standard input; a model without words needs none",
    )
    add_request_flags(parser)
    parser.add_argument("--seed", type=int, metavar="SEED", help="the seed of the first image")
    parser.add_argument("--cache", action="store_true", help="take the stored images of the same request")
    _add_budget(parser)
    _add_saving(parser)
    parser.add_argument(
        "--no-wait",
        action="store_true",
        help="end as soon as no call needs this command, and print the id of the batch",
    )
    retry_parser = commands.add(
        "retry",
        retry,
        "run the failed images of a batch again, and wait for them",
        examples=["imgplay retry BATCH -o foxes"],
    )
    retry_parser.add_argument("batch", metavar="BATCH", help="the id of the batch")
    add_confirm(retry_parser)
    _add_budget(retry_parser)
    _add_saving(retry_parser)
    wait_parser = commands.add(
        "wait",
        wait,
        "finish what other commands and notebooks left, and print the paths of the images",
        examples=["imgplay wait", "imgplay wait BATCH -o foxes"],
    )
    wait_parser.add_argument("batches", nargs="*", metavar="BATCH", help="ids of batches (all unfinished)")
    _add_saving(wait_parser)


def _add_budget(parser: Parser) -> None:
    parser.add_argument(
        "--budget", type=dollars, metavar="USD", help="refuse what takes today's total over this amount"
    )


def _add_saving(parser: Parser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        metavar="FOLDER",
        help="write the images into this folder; else they stay in the history",
    )


# ------------------------------------------------------------------ the commands


def generate(args: argparse.Namespace, output: Printer) -> int:
    """Ask for images."""
    from imgplay_widget._command.studio import opened

    _check_folder(args.output)
    prompt = _read_prompt() if args.prompt == "-" else args.prompt
    with opened(args, output, generates=True, budget=args.budget) as studio:
        params = parameters(model_of(studio.core, args.model, args.preset), args.param)
        if args.seed is not None:
            params["seed"] = args.seed
        batch = studio.generate(
            prompt,
            model=args.model,
            n=args.n,
            topic=args.topic,
            references=args.reference,
            mask=args.mask,
            deadline=args.deadline,
            confirm=args.confirm,
            cache=args.cache,
            preset=args.preset,
            **params,
        )
        return _Waiting(studio, [batch], args, output).run(stay=not args.no_wait)


def retry(args: argparse.Namespace, output: Printer) -> int:
    """Run the failed images of a batch again."""
    from imgplay_widget._command.studio import opened

    _check_folder(args.output)
    with opened(args, output, generates=True, budget=args.budget) as studio:
        batch = studio.core.handle(studio.core.call(studio.core.engine.entry, args.batch))
        batch.retry(confirm=args.confirm)
        return _Waiting(studio, [batch], args, output).run()


def wait(args: argparse.Namespace, output: Printer) -> int:
    """Finish what others left."""
    from imgplay_widget._command.studio import opened

    _check_folder(args.output)
    with opened(args, output, generates=True) as studio:
        core = studio.core
        if args.batches:
            entries = [core.call(core.engine.entry, batch_id) for batch_id in args.batches]
        else:
            entries = core.call(core.archive.unfinished, MOST_BATCHES)
        if not entries:
            output.note("Nothing is unfinished.")
        lacking = {entry.batch.id: _lacking(core, entry) for entry in entries}
        batches = [core.handle(entry) for entry in entries if lacking[entry.batch.id] is None]
        core.call(core.engine.take_up)
        errors = [error for error in lacking.values() if error is not None]
        return _Waiting(studio, batches, args, output, errors).run()


def _lacking(core: Core, entry: Entry) -> ImgplayError | None:
    """Return the reason why this command cannot finish a batch, or None."""
    if all(task.stage.final for task in entry.tasks):
        return None
    try:
        provider, _ = core.model(f"{entry.batch.provider}:{entry.batch.model}")
    except NotFound as error:
        return error
    from imgplay_widget.providers.http import missing_key

    core.look_for_key(provider)
    return missing_key(provider.spec) if core.keys.state(provider.spec) == "missing" else None


MOST_BATCHES = 1000
"""The most batches that `wait` waits for."""


def _check_folder(folder: str | None) -> None:
    """Refuse a folder that cannot take images, before anything is paid.

    Raises:
        InvalidRequest: the folder is a file, or cannot be written to.
    """
    if folder is None:
        return
    found = Path(folder).absolute()
    while not found.exists() and found != found.parent:
        found = found.parent
    if not found.is_dir() or not os.access(found, os.W_OK):
        raise InvalidRequest(
            f"The images cannot be written into {folder}: {found} is not a folder that can be written to.",
            parameter="output",
            next_step="Give another folder with -o. Nothing was stored, sent or paid.",
        )


def _read_prompt() -> str:
    data = sys.stdin.buffer.read(LARGEST_PROMPT + 1)
    if len(data) > LARGEST_PROMPT:
        raise InvalidRequest("The prompt on standard input is too long.", parameter="prompt")
    try:
        return data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise InvalidRequest("The prompt on standard input is not UTF-8.", parameter="prompt") from None


# ------------------------------------------------------------------ waiting


class _Waiting:
    """A command that waits for batches, saves their images and reports their errors.

    Args:
        studio: the studio.
        batches: the batches.
        args: the arguments, with the folder of the images.
        output: the output.
        errors: the reasons why other batches are not waited for.
    """

    def __init__(
        self,
        studio: CommandStudio,
        batches: Sequence[BatchHandle],
        args: argparse.Namespace,
        output: Printer,
        errors: Sequence[ImgplayError] = (),
    ) -> None:
        self._studio = studio
        self._batches = batches
        self._folder: str | None = args.output
        self._output = output
        self._errors = errors
        self._error: ImgplayError | None = errors[0] if errors else None
        # Why the images could not be written into the folder, or None. `_save` sets it.
        self._unsaved: ImgplayError | OSError | None = None

    def run(self, *, stay: bool = True) -> int:
        """Wait, print the result, and return the exit code.

        Args:
            stay: False waits only until another process can continue the tasks.
        """
        core = self._studio.core
        core.goes_on = STOPPED
        try:
            if stay:
                for batch in self._batches:
                    self._wait(batch)
            else:
                for batch in self._batches:
                    # The request is stored on the loop after its handle is there.
                    with suppress(NotFound):
                        core.call(core.engine.entry, batch.id)
            core.call(partial(core.engine.hand_over, send=not stay))
        except KeyboardInterrupt as interrupt:
            return self._stopped(interrupt)
        return self._ended(stay=stay)

    def _wait(self, batch: BatchHandle) -> None:
        try:
            batch.result()
        except ImgplayError as error:
            self._error = self._error or error

    def _ended(self, *, stay: bool) -> int:
        saved = self._save()
        failed = self._failed()
        ended = all(one.status.final for batch in self._batches for one in batch)
        if self._error is None and failed and ended and not saved:
            self._error = failed[0].error
        if self._error is not None and not saved:
            self._output.failure(self._error, batches=self._documents(saved))
            return Exit.of(self._error)
        if self._unsaved is not None:
            return self._not_saved(self._unsaved, saved)
        for error in self._errors:
            self._output.note(f"imgplay: {error.message} {next_step_of(error)}")
        for one in failed:
            self._tell(one)
        lines = [*saved.values()] if stay else [batch.id for batch in self._batches]
        self._output.result({"batches": self._documents(saved)}, lines)
        return Exit.PARTLY if failed or self._errors else Exit.DONE

    def _stopped(self, interrupt: KeyboardInterrupt) -> int:
        """Hand the work over, report, and raise the interrupt again at its end."""
        core, output, lost = self._studio.core, self._output, 0
        try:
            if not sys.stderr.isatty():
                # A terminal had this line in place of its bar.
                output.note(STOPPED)
            out = core.call(core.engine.calls_out)
            if out:
                output.note(
                    f"Waiting for the answer to {_count(out, 'call')}, which only this command can get. "
                    "Interrupt again to leave now; then nobody knows whether the provider bills it."
                )
            core.call(partial(core.engine.hand_over, send=False))
        except KeyboardInterrupt:
            # A second interrupt may also come before the waiting begins.
            lost = core.call(core.engine.calls_out)
            core.close()
        saved = self._save()
        what, next_step = self._left(lost)
        if output.as_json:
            output.refusal("stopped", f"{STOPPED} {what}", next_step, batches=self._documents(saved))
        else:
            output.result({}, saved.values())
            output.note(f"{what} {next_step}".strip())
        raise interrupt

    def _left(self, lost: int) -> tuple[str, str]:
        """Return what is left of the work, and the next step.

        Args:
            lost: the number of calls whose answer nobody waits for any more.
        """
        left = sum(not one.status.final for batch in self._batches for one in batch)
        if lost:
            what = (
                f"Nobody waits for the answer to {_count(lost, 'call')} any more. The provider may bill it."
            )
            return what, "Look at the account at the provider. imgplay retry BATCH sends the call again."
        return (
            (f"{_count(left, 'image')} will still come.", GOES_ON) if left else ("Nothing is left to do.", "")
        )

    def _save(self) -> dict[str, str]:
        """Return the paths of the finished images, by their ids."""
        paths: dict[str, str] = {}
        for batch in self._batches:
            finished = [one for one in batch if one.status == "success"]
            saved = [path_of_image(one) or "" for one in finished]
            if finished and self._folder is not None:
                try:
                    saved = [str(path) for path in batch.save(self._folder)]
                except (ImgplayError, OSError) as error:
                    self._unsaved = error
            paths |= dict(zip((one.id for one in finished), saved, strict=True))
        return paths

    def _not_saved(self, error: ImgplayError | OSError, saved: dict[str, str]) -> int:
        """Print why the images are in the history only, and return the exit code."""
        reason = error.message if isinstance(error, ImgplayError) else f"{error.strerror or error}."
        message = f"The images could not be written into {self._folder}. {reason}"
        next_step = (
            "They are in the history. Write them into another folder with imgplay wait BATCH -o FOLDER."
        )
        code = error.code if isinstance(error, ImgplayError) else SYSTEM
        if not self._output.as_json:
            self._output.result({}, saved.values())
        self._output.refusal(code, message, next_step, batches=self._documents(saved))
        return Exit.FAILED

    def _failed(self) -> list[GenerationHandle]:
        return [one for batch in self._batches for one in batch if one.error is not None]

    def _tell(self, one: GenerationHandle) -> None:
        error = one.error
        if error is not None:
            self._output.note(f"imgplay: image {one.slot + 1}: {error.message} {next_step_of(error)}")

    def _documents(self, saved: dict[str, str]) -> list[dict[str, Any]]:
        documents = batch_documents(self._studio, self._batches)
        for document in documents:
            for one in document["generations"]:
                one["path"] = saved.get(one["id"]) or one["path"]
        return documents


GOES_ON = (
    "The request is stored. It goes on when imgplay wait, imgplay serve or a notebook opens the history."
)
"""What happens with work that a command leaves."""


def _count(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"
