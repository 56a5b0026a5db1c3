"""The endpoints of bytes: images, thumbnails, covers and ZIPs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from imgplay_widget._rules.embedded import pieces_with, size_of
from imgplay_widget._rules.kinds import EXTENSIONS, OTHER
from imgplay_widget._rules.recipes import file_name, pack_name
from imgplay_widget.errors import CorruptImage, DiskFull, NotFound, NotShown
from imgplay_widget.server.rest.declare import Asked, Endpoint, FileAnswer
from imgplay_widget.server.rest.values import ImageQuery, NoFields

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imgplay_widget._rules.embedded import Piece, Written
    from imgplay_widget._types import Asset, Entry, Generation
    from imgplay_widget.errors import ImgplayError
    from imgplay_widget.server.rest.declare import Function
    from imgplay_widget.server.rest.studio import RestStudio

__all__ = ["ENDPOINTS"]

SHOWN = frozenset(EXTENSIONS) - {"image/svg+xml"}
"""The kinds that a browser may show at their address. A drawing may hold scripts."""

_FILE_HEADERS = {
    "If-None-Match": "The ETag of the file that the client has. Where it is the same, the answer is 304.",
    "Range": "A part of the file, such as bytes=0-1023. Then the answer is 206.",
}
_FILE_TELLS = {
    "ETag": "A text that changes with the bytes.",
    "Content-Disposition": "The name of the file.",
    "Accept-Ranges": "The word bytes: parts of the file can be asked for.",
}


async def read_image(asked: Asked[ImageQuery, NoFields], studio: RestStudio) -> FileAnswer:
    """Return the original bytes of an image. A download has the recipe inside the file, where it can."""
    entry, generation, asset = await _finished(asked.id, studio)
    core = studio.core
    path, size = await core.archive.in_pool(_found, core.files.original_path(asset.url))
    texts = core.files.texts(entry, generation) if asked.query.download else None
    pieces = None if texts is None else await core.archive.in_pool(_pieces, path, texts)
    kind = asset.media_type if asset.media_type in EXTENSIONS else OTHER
    return FileAnswer(
        path=path,
        pieces=pieces,
        size=size if pieces is None else size_of(pieces),
        media_type=kind,
        name=file_name(entry, generation),
        shown=kind in SHOWN and not asked.query.download,
        etag=asset.digest if pieces is None else f"{asset.digest}-{_mark(pieces)}",
    )


async def read_thumbnail(asked: Asked[ImageQuery, NoFields], studio: RestStudio) -> FileAnswer:
    """Return a small WebP of an image, at most 768 pixels on its longer edge."""
    entry, generation, asset = await _finished(asked.id, studio)
    archive = studio.core.archive
    try:
        data = await archive.in_pool(archive.store.assets.thumbnail, asset)
    except CorruptImage as error:
        raise NotShown(error.message, reason="damaged") from None
    stem = file_name(entry, generation).rpartition(".")[0]
    return _webp(data, f"{stem}-small.webp", f"{asset.digest}-small", asked.query)


async def read_cover(asked: Asked[ImageQuery, NoFields], studio: RestStudio) -> FileAnswer:
    """Return the cover of a topic: a WebP of 256 × 256 pixels."""
    topic = await studio.core.archive.topic(asked.id)
    if topic.cover_url is None:
        raise NotFound("The topic has no cover yet.", next_step="Wait until its first image is finished.")
    data = await studio.core.archive.read(topic.cover_url)
    return _webp(data, "cover.webp", hashlib.sha256(data).hexdigest(), asked.query)


def _webp(data: bytes, name: str, etag: str, query: ImageQuery) -> FileAnswer:
    return FileAnswer(
        data=data, size=len(data), media_type="image/webp", name=name, shown=not query.download, etag=etag
    )


async def read_zip(asked: Asked[NoFields, NoFields], studio: RestStudio) -> FileAnswer:
    """Return a ZIP with the finished images of a batch, and their recipes."""
    core = studio.core
    entry = await core.engine.entry(asked.id)
    packed = [image for one in entry.generations if (image := core.files.packed(entry, one)) is not None]
    if not packed:
        raise NotFound("There is no image here yet.", next_step="Wait until an image is finished.")
    async with studio.packing:
        path, images = await core.archive.in_pool(core.archive.store.assets.pack, packed)
    _, size = await core.archive.in_pool(_found, path)
    name = pack_name([entry], images, core.now())
    return FileAnswer(
        path=path, size=size, media_type="application/zip", name=name, shown=False, temporary=True
    )


async def _finished(generation_id: str, studio: RestStudio) -> tuple[Entry, Generation, Asset]:
    entry, generation = await studio.core.archive.generation(generation_id)
    if generation.asset is None:
        raise NotFound("There is no image here yet.", next_step="Wait until the image is finished.")
    return entry, generation, generation.asset


def _found(path: Path) -> tuple[Path, int]:
    return path, path.stat().st_size


def _pieces(path: Path, texts: Written) -> list[Piece] | None:
    with path.open("rb") as file:
        return pieces_with(file, texts)


def _mark(pieces: Sequence[Piece]) -> str:
    """Return what tells two downloads of one original apart: a digest of the texts in them."""
    added = b"".join(piece for piece in pieces if isinstance(piece, bytes))
    return hashlib.sha256(added).hexdigest()[:16]


def _file_endpoint(
    path: str, function: Function, media_types: tuple[str, ...], *refusals: type[ImgplayError]
) -> Endpoint:
    """Return the endpoint of a file whose bytes stay the same as long as its ETag."""
    return Endpoint(
        method="GET",
        path=path,
        function=function,
        query=ImageQuery,
        media_types=media_types,
        headers=_FILE_HEADERS,
        tells=_FILE_TELLS,
        errors=refusals,
        group="bytes",
    )


ENDPOINTS = (
    _file_endpoint("/generations/{generationId}/image", read_image, (*EXTENSIONS, OTHER)),
    _file_endpoint("/generations/{generationId}/thumbnail", read_thumbnail, ("image/webp",), NotShown),
    _file_endpoint("/topics/{topicId}/cover", read_cover, ("image/webp",)),
    Endpoint(
        method="GET",
        path="/batches/{batchId}/zip",
        function=read_zip,
        media_types=("application/zip",),
        tells={"Content-Disposition": "The name of the file."},
        errors=(DiskFull,),
        group="bytes",
    ),
)
"""The endpoints of bytes."""
