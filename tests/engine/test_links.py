"""An image that is finished and paid for is fetched by its link, and is not paid again. Over real sockets."""

from __future__ import annotations

from itertools import count

import pytest

from imgplay_widget import Status
from imgplay_widget._types import Done, Missing, Pending, Remote
from imgplay_widget.errors import Lost, Moderated, NotFetched
from imgplay_widget.testing import FakeProvider, InstantClock, open_studio, png
from imgplay_widget.testing.server import Answer, ProviderServer

WAIT = 30
PNG = png()

NOT_YET = {
    "404": Answer(404, {}, b"not there yet"),
    "403": Answer(403, {"Content-Type": "application/xml"}, b"<Error>AccessDenied</Error>"),
    "500": Answer(500, {}, b"oops"),
    "503": Answer(503, {"Retry-After": "3"}, b"later"),
    "429": Answer(429, {"Retry-After": "5"}, b"slowly"),
    "empty": Answer(200, {"Content-Type": "image/png"}, b""),
    "html": Answer(200, {"Content-Type": "text/html"}, b"<html>Sign in</html>"),
    "json": Answer(200, {"Content-Type": "application/json"}, b'{"error": "pending"}'),
    "cut": Answer(200, {"Content-Type": "image/png"}, PNG[:60]),
}


class Linked(FakeProvider):
    """A provider that answers with links, at once (``image``, ``sheet``) or for a ticket (``queue``)."""

    def __init__(self, origin, **options):
        super().__init__(**options)
        self._origin = origin

    def origin(self):
        return self._origin

    async def submit(self, unit, http):
        answer = await super().submit(unit, http)
        return self.links(unit.n) if isinstance(answer, Done) else answer

    async def poll(self, ticket, http):
        await super().poll(ticket, http)
        return self.links(1)

    def links(self, n):
        return Done(images=tuple(Remote(url=f"{self._origin}/files/{i}.png?sig=secret") for i in range(n)))


class Files(ProviderServer):
    """A server of files whose first answers, for each file, are bad.

    Attributes:
        bad: the bad answer, and how often it comes.
        only: the file that is bad, or None for all files.
    """

    def __init__(self, bad, times, only=None):
        super().__init__()
        self.bad, self.times, self.only = bad, times, only
        self.asked = {}

    def answer(self, received):
        path = received.path.partition("?")[0]
        number = next(self.asked.setdefault(path, count(1)))
        if number <= self.times and self.only in (None, path):
            return self.bad
        return Answer(200, {"Content-Type": "image/png"}, PNG)


@pytest.mark.parametrize("model", ["image", "queue"])
@pytest.mark.parametrize("bad", NOT_YET.values(), ids=NOT_YET)
def test_a_link_that_does_not_work_yet_is_asked_again(bad, model):
    clock = InstantClock()
    with Files(bad, 3) as files, open_studio(fake := Linked(files.origin), clock=clock) as studio:
        batch = studio.generate("a fox", model=f"fake:{model}").result(WAIT)
        assert batch[0].bytes == PNG
        if "Retry-After" in bad.headers:
            assert float(bad.headers["Retry-After"]) in clock.waits
    assert len(fake.submits) == 1


@pytest.mark.parametrize("model", ["image", "queue"])
@pytest.mark.parametrize("bad", NOT_YET.values(), ids=NOT_YET)
def test_retry_fetches_what_was_paid_for(bad, model):
    with Files(bad, 10**6) as files, open_studio(fake := Linked(files.origin)) as studio:
        batch = studio.generate("a fox", model=f"fake:{model}")
        with pytest.raises(NotFetched, match="does not start a new run") as caught:
            batch.result(WAIT)
        assert "secret" not in str(caught.value)
        files.times = 0
        batch.retry().result(WAIT)
        assert batch[0].bytes == PNG
        assert len(fake.submits) == 1
        assert studio.spent().images == 1


class Expiring(Linked):
    """A provider whose job makes three images, with new links at each question. Old links are dead."""

    def __init__(self, origin):
        super().__init__(origin)
        self.questions_asked = 0

    async def submit(self, unit, http):
        self.submits.append(unit)
        return Pending(ticket={"job": "j1"})

    async def poll(self, ticket, http):
        self.questions_asked += 1
        return Done(
            images=tuple(Remote(url=f"{self._origin}/{self.questions_asked}/{i}.png") for i in range(3))
        )


class Shelf(ProviderServer):
    """A server of files: the middle image is there only under links of the third question."""

    def answer(self, received):
        question, index = received.path[1], int(received.path[3])
        if index == 1 and question != "3":
            return NOT_YET["404"]
        return Answer(200, {"Content-Type": "image/png"}, png(color=(index * 90, 0, 0)))


def test_one_image_of_a_job_is_fetched_by_new_links_of_the_same_job(tmp_path):
    with Shelf() as files, open_studio(fake := Expiring(files.origin), store=tmp_path) as studio:
        batch = studio.generate("foxes", model="fake:sheet", n=3).result(WAIT)
        assert isinstance(batch[1].error, NotFetched)
        batch.retry().result(WAIT)
        assert [one.bytes for one in batch] == [png(color=(i * 90, 0, 0)) for i in range(3)]
        assert len(fake.submits) == 1
        assert studio.spent().images == 3


def test_only_what_is_really_gone_is_paid_again_and_the_error_says_so():
    with Files(NOT_YET["404"], 10**6) as files, open_studio(fake := Linked(files.origin)) as studio:
        batch = studio.generate("a fox", model="fake:image")
        with pytest.raises(NotFetched):
            batch.result(WAIT)
        batch.retry()
        with pytest.raises(Lost, match="new run will be billed"):
            batch.result(WAIT)
        assert len(fake.submits) == 1
        files.times = 0
        batch.retry().result(WAIT)
        assert len(fake.submits) == 2
        assert studio.spent().images == 2


def test_a_link_that_is_gone_for_good_is_told_at_once():
    with Files(Answer(410, {}, b""), 10**6) as files, open_studio(Linked(files.origin)) as studio:
        with pytest.raises(Lost, match="new run will be billed"):
            studio.generate("a fox", model="fake:image").result(WAIT)
        assert len(files.requests) == 1


def test_one_link_of_a_call_is_fetched_again_beside_the_images_that_came():
    files = Files(NOT_YET["404"], 10**6, only="/files/1.png")
    with files, open_studio(fake := Linked(files.origin)) as studio:
        batch = studio.generate("foxes", model="fake:sheet", n=3).result(WAIT)
        assert [g.status for g in batch] == [Status.SUCCESS, Status.ERROR, Status.SUCCESS]
        assert isinstance(batch[1].error, NotFetched)
        files.times = 0
        batch.retry().result(WAIT)
        assert all(g.status is Status.SUCCESS for g in batch)
        assert len(fake.submits) == 1
        assert studio.spent().images == 3


def test_a_refused_image_is_made_anew_while_the_kept_link_of_the_other_is_fetched():
    files = Files(NOT_YET["404"], 10**6, only="/files/1.png")
    with files:
        fake = Linked(files.origin)
        refused = Missing(error=Moderated("flagged", provider="fake").info)
        whole = fake.links
        fake.links = lambda n: Done(images=(*whole(n).images[:2], refused)) if n == 3 else whole(n)
        with open_studio(fake) as studio:
            batch = studio.generate("foxes", model="fake:sheet", n=3).result(WAIT)
            files.times = 0
            batch.retry().result(WAIT)
            assert all(g.status is Status.SUCCESS for g in batch)
        assert [unit.positions for unit in fake.submits] == [(0, 1, 2), (2,)]


def test_a_link_is_fetched_again_after_a_restart(tmp_path):
    with Files(NOT_YET["503"], 10**6) as files:
        fake = Linked(files.origin)
        with open_studio(fake, store=tmp_path) as studio, pytest.raises(NotFetched):
            studio.generate("a fox", model="fake:image").result(WAIT)
        files.times = 0
        with open_studio(fake, store=tmp_path) as studio:
            (batch,) = studio.batches()
            batch.retry().result(WAIT)
            assert batch[0].bytes == PNG
        assert len(fake.submits) == 1
