"""The suite that every provider passes, over real sockets, against a server that speaks its protocol.

The author of a provider writes two classes. The first is a `Wire`: the provider's side of the protocol, with
all shapes of its failures. The second is a subclass of `ProviderContract` in a test module, which pytest
collects::

    class AcmeWire(Wire):
        model = "paint-1"
        seeded = True

        @classmethod
        def connect(cls, origin):
            return Acme(base_url=origin)

        def answer(self, received):
            images = [b64encode(self.image(i)) for i in range(received.json()["n"])]
            return answer({"images": images})

        def failures(self):
            return {"bad_key": answer({"error": "who are you?"}, 401), ...}


    class TestAcme(ProviderContract):
        wire_type = AcmeWire

This module needs pytest, and no other module of the package imports it.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from imgplay_widget import catalog
from imgplay_widget._clock import Clock
from imgplay_widget._studio.api import core_of
from imgplay_widget._types import Status
from imgplay_widget.errors import (
    BadKey,
    BadResponse,
    BillingError,
    Cancelled,
    CorruptImage,
    DeadlineExceeded,
    ImgplayError,
    InvalidRequest,
    Lost,
    MissingKey,
    ModelNotFound,
    Moderated,
    NetworkError,
    NoImage,
    NotFetched,
    Overloaded,
    RateLimited,
    ServerError,
    Uncertain,
)
from imgplay_widget.testing import InstantClock, free_of, mask_png, open_studio, png
from imgplay_widget.testing.server import HANG, RESET_AFTER, Answer, Item, ProviderServer, Received

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from imgplay_widget._studio.handles import BatchHandle
    from imgplay_widget._studio.studio import Studio
    from imgplay_widget._types import Entry
    from imgplay_widget.providers.base import Provider

__all__ = ["KEY", "ProviderContract", "Wire"]

KEY = "sk-canary-5e1f0b7c94d2a836"
"""The key that the suite sets. It must not appear anywhere but at the provider's own origin."""

PROMPT = "a paper boat in the rain"

WAIT = 30
"""The seconds after which a test gives up. What it waits for never takes one second."""

DAY = 24 * 3600.0
"""The longest time of a job that the suite waits for, in seconds."""

ACCELERATION = 40
"""How much faster the clock of that job runs, because each question goes over a real socket."""

EXPECTED: Mapping[str, type[ImgplayError]] = {
    "bad_key": BadKey,
    "billing": BillingError,
    "moderated": Moderated,
    "model_not_found": ModelNotFound,
    "rate_limited": RateLimited,
    "server_error": ServerError,
    "overloaded": Overloaded,
    "bad_gateway": Uncertain,
    "no_image": NoImage,
    "lost": Lost,
}
"""The errors that users see for the kinds of `Wire.failures`."""


LONGEST_GAP = 10.0
"""The most seconds between two questions about a job."""

LINKS_THAT_FAIL: Mapping[str, Answer] = {
    "404": Answer(404, {"Content-Type": "text/plain"}, b"not there yet"),
    "403": Answer(403, {"Content-Type": "application/xml"}, b"<Error>AccessDenied</Error>"),
    "503": Answer(503, {"Content-Type": "text/plain"}, b"later"),
    "empty": Answer(200, {"Content-Type": "image/png"}, b""),
    "html": Answer(200, {"Content-Type": "text/html"}, b"<html>Sign in</html>"),
    "cut": Answer(200, {"Content-Type": "image/png"}, png()[:60]),
}
"""The answers of a link that does not work, at least not yet, by name."""


class Wire(ProviderServer):
    """A provider's side of its protocol. Subclass it and write `connect`, `answer` and `failures`.

    Attributes:
        model: the id of the model that the suite uses.
        native_model: the id of a model that makes several images in one call, or None.
        seeded: True where the model takes a seed. Then write `seed_of`.
        queued: True where a call returns a ticket. Then obey `waiting`, `unknown` and `gone`.
        cancellable: True where the provider can cancel a job.
        linked: True where images arrive as links. Then make the links with `link`, which obeys `expired`.
        keyed: True where the provider needs a key.
        params: the parameters of every call of the suite.
        waiting: True while a job is not done.
        unknown: True while the status of a job is a word that the protocol does not have.
        gone: True while the provider does not know the job.
        expired: True while links do not work.
        broken_link: the answer of a link that does not work.
        elsewhere: another origin, for the results, which must never see the key.
    """

    model: ClassVar[str] = ""
    native_model: ClassVar[str | None] = None
    seeded: ClassVar[bool] = False
    queued: ClassVar[bool] = False
    cancellable: ClassVar[bool] = False
    linked: ClassVar[bool] = False
    keyed: ClassVar[bool] = True
    params: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, script: Sequence[Item] = ()) -> None:
        super().__init__(script)
        self.waiting = False
        self.unknown = False
        self.gone = False
        self.expired = False
        self.broken_link = LINKS_THAT_FAIL["404"]
        self.elsewhere = ProviderServer()

    def __enter__(self) -> Wire:
        self.elsewhere.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self.elsewhere.__exit__(*error)

    # -------------------------------------------------------------- what a subclass writes

    @classmethod
    def connect(cls, origin: str) -> Provider:
        """Return the provider, with this origin as its base URL."""
        raise NotImplementedError

    def failures(self) -> Mapping[str, Item]:
        """Return the answers to a submit that report a failure.

        The keys are those of `EXPECTED`. Where a failure has several shapes, ``:`` and a word follow
        (``"moderated:prompt"``, ``"moderated:image"``). An item may also be a function that accepts the job
        and changes the later status.
        """
        raise NotImplementedError

    def rate_limits(self) -> Mapping[str, tuple[Answer, float]]:
        """Return the forms of "too many requests", by name: the answer, and the seconds to wait."""
        return {}

    def half_empty(self) -> Item | None:
        """Return an answer whose inline image is empty beside a good `link`; None without such a protocol."""
        return None

    def answered_by(self, model: str) -> Item | None:
        """Return an answer that names the model which made the image; None where the protocol has no name."""
        return None

    def is_submit(self, received: Received) -> bool:
        """Return whether the provider may bill a request."""
        return received.method == "POST"

    def seed_of(self, received: Received) -> int | None:
        """Return the seed of a submit."""
        raise NotImplementedError

    def references_of(self, received: Received) -> list[bytes]:
        """Return the input images of a submit."""
        raise NotImplementedError

    def mask_of(self, received: Received) -> bytes:
        """Return the mask of a submit."""
        raise NotImplementedError

    # -------------------------------------------------------------- what a subclass uses

    def image(self, index: int = 0) -> bytes:
        """Return an image, which differs for each index."""
        return png(color=(30 * index % 256, 110, 180))

    def link(self, index: int = 0) -> str:
        """Return a new link to an image at another origin."""
        path = f"/files/{len(self.elsewhere.files)}.png"
        self.elsewhere.files[path] = self.broken_link if self.expired else self.image(index)
        return self.elsewhere.origin + path

    @property
    def submits(self) -> list[Received]:
        """The requests so far that the provider may bill."""
        return [received for received in self.requests if self.is_submit(received)]


class FastClock(InstantClock):
    """A clock on which `ACCELERATION` times the seconds of each wait pass, without waiting."""

    async def sleep(self, seconds: float) -> None:
        """Move the time on."""
        await super().sleep(seconds * ACCELERATION)


class ProviderContract:
    """The suite. Write a subclass with a `wire_type`, which pytest then collects.

    Attributes:
        wire_type: the provider's side of the protocol.
    """

    wire_type: ClassVar[type[Wire]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one case of each failure and of each form of Retry-After of the wire."""
        wire = self.wire_type()
        if "failure" in metafunc.fixturenames:
            metafunc.parametrize("failure", sorted(wire.failures()))
        if "rate_limit" in metafunc.fixturenames:
            metafunc.parametrize("rate_limit", sorted(wire.rate_limits()))
        _close(wire)

    @pytest.fixture
    def wire(self) -> Iterator[Wire]:
        """Return the server, which runs during the test."""
        with self.wire_type() as wire:
            yield wire

    @pytest.fixture
    def clock(self) -> InstantClock:
        """Return a clock on which every wait ends at once."""
        return InstantClock()

    @pytest.fixture
    def studio(
        self, wire: Wire, clock: InstantClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> Iterator[Studio]:
        """Return a studio with the provider, and check at the end that the key was not written anywhere."""
        caplog.set_level(logging.DEBUG)
        with _open(self.wire_type, wire.origin, tmp_path, clock) as studio:
            yield studio
        assert KEY not in caplog.text
        for path in tmp_path.rglob("*"):
            assert path.is_dir() or KEY.encode() not in path.read_bytes(), path
        for request in wire.elsewhere.requests:
            assert KEY not in repr(request)

    def generate(self, studio: Studio, *, model: str | None = None, **options: Any) -> BatchHandle:
        """Start a request with the prompt, the model and the parameters of the suite.

        A model that takes no words gets none, and a model that only changes images gets an image.
        """
        name = f"{_name(self.wire_type)}:{model or self.wire_type.model}"
        spec = core_of(studio).registry.find(name)[1]
        needed: dict[str, Any] = (
            {"references": [png()]} if spec.references and spec.references.min_count else {}
        )
        if "mask" in options:
            needed = {}
        prompt = "" if spec.prompt == "none" else PROMPT
        return studio.generate(prompt, model=name, **{**needed, **self.wire_type.params, **options})

    # -------------------------------------------------------------- what works

    def test_the_models_are_data_that_the_page_can_show(self, wire: Wire) -> None:
        """Each model names its provider, and each parameter has a known type, kind, range and default."""
        provider = self.wire_type.connect(wire.origin)
        assert provider.model(wire.model) is not None
        for spec in provider.models():
            assert spec.provider == provider.spec.name
            for parameter in spec.parameters:
                catalog.check_parameter(parameter, f"{spec.name}: {parameter.name}")

    def test_one_image_is_stored_as_it_came(self, studio: Studio, wire: Wire) -> None:
        """Expect one call and one image, with the bytes that the provider sent."""
        batch = self.generate(studio).result(WAIT)
        assert batch[0].bytes == wire.image(0)
        assert len(wire.submits) == 1
        if wire.keyed:
            assert KEY in repr(wire.submits[0].headers) or KEY in wire.submits[0].path

    def test_several_images_fill_their_slots(self, studio: Studio, wire: Wire) -> None:
        """Expect three images, each in its slot, and one call for each task."""
        batch = self.generate(studio, n=3).result(WAIT)
        assert [generation.status for generation in batch] == [Status.SUCCESS] * 3
        assert len(wire.submits) == len(_entry(studio, batch).tasks)

    def test_the_seeds_that_are_shown_are_those_that_were_sent(self, studio: Studio, wire: Wire) -> None:
        """Expect a different seed for each image, the user's or a random one, both sent and shown."""
        if not wire.seeded:
            assert [g.seed for g in self.generate(studio, n=2).result(WAIT)] == [None, None]
            return
        shown = [generation.seed for generation in self.generate(studio, n=3, seed=11).result(WAIT)]
        drawn = [generation.seed for generation in self.generate(studio, n=2).result(WAIT)]
        sent = [wire.seed_of(received) for received in wire.submits]
        assert len(set(shown)) == 3
        assert len(set(drawn)) == 2
        assert {seed for seed in sent if seed is not None} <= {*shown, *drawn}
        assert {shown[0], drawn[0]} <= set(sent)
        if len(wire.submits) == 5:
            assert sorted(seed for seed in sent if seed is not None) == sorted(
                seed for seed in (*shown, *drawn) if seed is not None
            )

    def test_fewer_images_than_asked_leave_named_gaps(self, studio: Studio, wire: Wire) -> None:
        """Expect an error in each slot that a call leaves empty."""
        if wire.native_model is None:
            return
        failure = wire.failures().get("fewer")
        assert failure is not None, (
            "a model with several images for each call can send fewer: add the failure 'fewer'"
        )
        wire.script.append(failure)
        batch = self.generate(studio, model=wire.native_model, n=3).result(WAIT)
        states = [generation.status for generation in batch]
        assert Status.SUCCESS in states
        assert Status.ERROR in states
        assert len(wire.submits) == 1

    def test_references_are_sent_whole(self, studio: Studio, wire: Wire) -> None:
        """Expect that references reach the provider, and that useless ones are refused before the call."""
        model = core_of(studio).registry.find(f"{_name(self.wire_type)}:{wire.model}")[1]
        if model.references is None:
            with pytest.raises(InvalidRequest, match="reference"):
                self.generate(studio, references=[png()])
            # A provider may have been asked what the model takes.
            assert wire.submits == []
            return
        picture = png(48, 32)
        self.generate(studio, references=[picture]).result(WAIT)
        assert picture in wire.references_of(wire.submits[-1])
        before = len(wire.requests)
        with pytest.raises(InvalidRequest, match="reference"):
            self.generate(studio, references=[png()] * (model.references.max_count + 1))
        assert len(wire.requests) == before

    def test_a_mask_is_sent_with_its_reference(self, studio: Studio, wire: Wire) -> None:
        """Expect that the free area reaches the provider, and that a mask without a reference is refused."""
        model = core_of(studio).registry.find(f"{_name(self.wire_type)}:{wire.model}")[1]
        picture, mask = png(48, 32), mask_png(48, 32, free=(0, 0, 24, 32))
        if not model.mask:
            references = [picture] if model.references else []
            with pytest.raises(InvalidRequest, match="mask"):
                self.generate(studio, references=references, mask=mask)
            assert wire.submits == []
            return
        self.generate(studio, references=[picture], mask=mask).result(WAIT)
        assert free_of(wire.mask_of(wire.submits[-1])) == (0, 0, 24, 32)
        before = len(wire.requests)
        with pytest.raises(InvalidRequest, match="mask"):
            self.generate(studio, mask=mask)
        assert len(wire.requests) == before

    # -------------------------------------------------------------- what fails

    def test_a_failure_has_its_name_and_is_not_repeated(
        self, studio: Studio, wire: Wire, failure: str
    ) -> None:
        """Expect the right error with a next step for each shape of refusal, after a single call."""
        kind = failure.partition(":")[0]
        if kind == "fewer":
            return
        wire.script += [wire.failures()[failure]] * (50 if kind == "rate_limited" else 1)
        batch = self.generate(studio, deadline=20 if kind == "rate_limited" else None)
        expected = ServerError if kind == "bad_gateway" and self._is_free(wire) else EXPECTED[kind]
        with pytest.raises(expected) as caught:
            batch.result(WAIT)
        assert caught.value.next_step
        assert KEY not in f"{caught.value!r} {caught.value} {batch[0].error!r} {_entry(studio, batch)!r}"
        if kind != "rate_limited":
            assert len(wire.submits) == 1

    def test_a_rate_limit_is_waited_out(
        self, studio: Studio, wire: Wire, clock: InstantClock, rate_limit: str
    ) -> None:
        """Expect a second call after the time that the provider asked for."""
        refused, seconds = wire.rate_limits()[rate_limit]
        wire.script.append(refused)
        self.generate(studio).result(WAIT)
        assert len(wire.submits) == 2
        assert any(wait >= seconds * 0.99 for wait in clock.waits)

    def test_an_answer_that_is_junk_is_an_error(self, studio: Studio, wire: Wire) -> None:
        """Expect an error, and no second call, for HTML, cut JSON and JSON of another shape."""
        json_type = {"Content-Type": "application/json"}
        for junk in (
            Answer(200, {"Content-Type": "text/html"}, b"<html>Please log in</html>"),
            Answer(200, json_type, b'{"created": 1, "da'),
            Answer(200, json_type, json.dumps({"hello": ["world"]}).encode()),
            Answer(200, json_type, b"[]"),
            Answer(200, json_type, b"null"),
        ):
            before = len(wire.submits)
            wire.script.append(junk)
            with pytest.raises((BadResponse, NoImage, CorruptImage, Uncertain)):
                self.generate(studio).result(WAIT)
            assert len(wire.submits) == before + 1

    def test_a_connection_that_breaks_is_uncertain(self, studio: Studio, wire: Wire) -> None:
        """Expect that only the user repeats a call, and that the error says what may have been billed."""
        wire.script.append(RESET_AFTER)
        batch = self.generate(studio)
        with pytest.raises(NetworkError if self._is_free(wire) else Uncertain) as caught:
            batch.result(WAIT)
        assert ("billed" in str(caught.value)) is not self._is_free(wire)
        assert len(wire.submits) == 1
        batch.retry().result(WAIT)
        assert len(wire.submits) == 2

    def test_silence_ends_at_the_deadline(self, studio: Studio, wire: Wire, clock: InstantClock) -> None:
        """Expect an error, uncertain where the call may have been billed, and no second call."""
        wire.script.append(HANG)
        batch = self.generate(studio, deadline=60)
        assert wire.wait_for(lambda _: len(wire.submits) == 1)
        clock.advance(60)
        with pytest.raises(DeadlineExceeded if self._is_free(wire) else Uncertain) as caught:
            batch.result(WAIT)
        assert ("billed" in str(caught.value)) is not self._is_free(wire)
        assert len(wire.submits) == 1

    def _is_free(self, wire: Wire) -> bool:
        return self.wire_type.connect(wire.origin).spec.free

    def test_without_a_key_nothing_is_sent(self, wire: Wire, tmp_path: Path) -> None:
        """Expect an error with the name of the variable, before anything is stored or sent."""
        if not wire.keyed:
            return
        with _open(self.wire_type, wire.origin, tmp_path, InstantClock(), key=None) as studio:
            with pytest.raises(MissingKey) as caught:
                self.generate(studio)
            assert studio.topics == []
        variables = self.wire_type.connect(wire.origin).spec.key_variables
        assert variables[0] in str(caught.value)
        assert wire.requests == []

    # -------------------------------------------------------------- jobs and links

    def test_an_unknown_status_is_waited_out_until_the_deadline(self, studio: Studio, wire: Wire) -> None:
        """Expect that an unknown status does not end the job."""
        if not wire.queued:
            return
        wire.unknown = True
        batch = self.generate(studio, deadline=120)
        with pytest.raises(DeadlineExceeded):
            batch.result(WAIT)
        wire.unknown = False
        batch.retry().result(WAIT)
        assert len(wire.submits) == 1

    def test_a_job_is_asked_for_during_a_whole_day(self, wire: Wire, tmp_path: Path) -> None:
        """Expect questions until the deadline, and then an image by the same ticket."""
        if not wire.queued:
            return
        wire.waiting = True
        with _open(self.wire_type, wire.origin, tmp_path, FastClock()) as studio:
            batch = self.generate(studio, deadline=DAY)
            with pytest.raises(DeadlineExceeded):
                batch.result(4 * WAIT)
            assert len(wire.requests) > DAY / (LONGEST_GAP * ACCELERATION)
            wire.waiting = False
            batch.retry().result(WAIT)
        assert len(wire.submits) == 1

    def test_a_job_that_the_provider_forgot_is_lost(self, studio: Studio, wire: Wire) -> None:
        """Expect an error with Retry for a job that is gone."""
        if not wire.queued:
            return
        wire.gone = True
        batch = self.generate(studio)
        with pytest.raises(Lost):
            batch.result(WAIT)
        wire.gone = False
        batch.retry().result(WAIT)
        assert len(wire.submits) == 2

    @pytest.mark.parametrize("link", LINKS_THAT_FAIL)
    def test_an_image_whose_link_failed_is_not_paid_again(
        self, studio: Studio, wire: Wire, link: str
    ) -> None:
        """Expect that Retry fetches a finished image by its link or ticket, without a second call."""
        if not wire.linked:
            return
        wire.expired, wire.broken_link = True, LINKS_THAT_FAIL[link]
        batch = self.generate(studio)
        with pytest.raises(NotFetched):
            batch.result(WAIT)
        wire.expired = False
        for path in wire.elsewhere.files:
            wire.elsewhere.files[path] = wire.image()
        batch.retry().result(WAIT)
        assert batch.status is Status.SUCCESS
        assert len(wire.submits) == 1

    def test_the_model_that_answered_is_recorded(self, studio: Studio, wire: Wire) -> None:
        """Expect the answer's own name of the model, and a difference only where it is another model."""
        for name, another in (
            (wire.model, False),
            (f"{wire.model}-2026-04-21", False),
            ("paint-9-turbo", True),
        ):
            item = wire.answered_by(name)
            if item is None:
                return
            wire.script.append(item)
            image = self.generate(studio).result(WAIT)[0]
            assert image.served_by == image.recipe["served_by"] == name
            changed = {one["parameter"]: one["applied"] for one in image.recipe["differences"]}
            assert changed.get("model") == (name if another else None)
            assert ("by paint-9-turbo" in repr(image)) == another

    def test_an_empty_image_beside_a_good_link_is_fetched(self, studio: Studio, wire: Wire) -> None:
        """Expect the image behind the link where an answer also has an empty image."""
        half = wire.half_empty()
        if half is None:
            return
        wire.script.append(half)
        assert self.generate(studio).result(WAIT)[0].bytes == wire.image()
        assert len(wire.submits) == 1

    def test_a_running_job_is_cancelled(self, wire: Wire, tmp_path: Path) -> None:
        """Expect that a cancel ends the task at once, and reaches a provider that can cancel."""
        if wire.queued:
            wire.waiting = True
        else:
            wire.script.append(HANG)
        with _open(self.wire_type, wire.origin, tmp_path, Clock()) as studio:
            batch = self.generate(studio)
            assert wire.wait_for(lambda requests: len(requests) > int(wire.queued))
            before = len(wire.requests)
            batch.cancel()
            with pytest.raises(Cancelled):
                batch.result(WAIT)
            core_of(studio).start(core_of(studio).archive.settle).result(WAIT)
            if wire.cancellable:
                assert len(wire.requests) > before

    def test_a_job_goes_on_in_a_new_process(self, wire: Wire, tmp_path: Path) -> None:
        """Expect that another process finishes the job by its stored ticket, without a second call."""
        if not wire.queued:
            return
        wire.waiting = True
        with _open(self.wire_type, wire.origin, tmp_path, Clock()) as studio:
            self.generate(studio)
            # A poll follows the submit, so the ticket is stored.
            assert wire.wait_for(lambda requests: bool(wire.submits) and not wire.is_submit(requests[-1]))
        wire.waiting = False
        wire_path = f"{self.wire_type.__module__}:{self.wire_type.__qualname__}"
        child = subprocess.run(  # noqa: S603 - our own module, by this very Python
            [sys.executable, "-m", "imgplay_widget.testing.contract", wire_path, wire.origin, str(tmp_path)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert child.stdout.strip() == "success", child.stderr
        assert len(wire.submits) == 1


def _name(wire_type: type[Wire]) -> str:
    return wire_type.connect("http://127.0.0.1:9").spec.name


def _open(wire_type: type[Wire], origin: str, folder: Path, clock: Clock, key: str | None = KEY) -> Any:
    provider = wire_type.connect(origin)
    keys = {provider.spec.name: key} if key else {}
    return open_studio(provider, store=folder / "contract.sqlite", clock=clock, keys=keys)


def _close(wire: Wire) -> None:
    with wire:
        pass


def _finish(wire_path: str, origin: str, folder: str) -> None:
    """Open the store in the new process, and wait for the unfinished batches."""
    from importlib import import_module
    from pathlib import Path

    module, _, name = wire_path.partition(":")
    wire_type: type[Wire] = getattr(import_module(module), name)
    with _open(wire_type, origin, Path(folder), Clock()) as studio:
        for batch in studio.batches():
            sys.stdout.write(f"{batch.result(WAIT).status.value}\n")


if __name__ == "__main__":
    _finish(*sys.argv[1:4])


def _entry(studio: Studio, batch: BatchHandle) -> Entry:
    return core_of(studio).live.held(batch.id).entry
