"""The way of files from the folder that earlier versions used into the folder of the database.

Earlier versions left out the end of the database's name, so that `foxes.sqlite` and `foxes.db` shared one
folder, `foxes.assets`. Now each database has a folder of its own, `foxes.sqlite.assets`. The first opening
links the files that the rows name into this folder. The old folder stays as it is, because other databases
and earlier versions may use it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from imgplay_widget._store import drafts, recipe_files
from imgplay_widget._store.damage import reads_rows
from imgplay_widget._store.tables import generations, references, topics
from imgplay_widget._types import Notice
from imgplay_widget.errors import StoreError

if TYPE_CHECKING:
    from imgplay_widget._store.assets import Assets
    from imgplay_widget._store.database import Database

__all__ = ["bring_over", "named_files"]

logger = logging.getLogger("imgplay_widget")


def bring_over(database: Database, assets: Assets) -> list[Notice]:
    """Bring the files that rows name from the old folder, and write the missing recipes, once.

    A start that is killed leaves the rest to the next start, which finds the earlier files in their folder.

    Returns:
        A notice for the user where some files could not be brought. They are shown from the old folder.
    """
    if assets.complete:
        return []
    with database.reading() as connection:
        urls = named_files(connection, assets) if assets.old is not None else []
        recipe_files.write_missing(connection, assets)
    try:
        assets.bring(urls)
        assets.mark_complete()
    except StoreError as error:
        logger.warning("Files of the folder %s could not be brought: %s", assets.old, error.message)
        message = (
            f"Some images could not be brought into the folder {assets.root}: {error.message} "
            f"They are shown from {assets.old or assets.root}, so keep this folder."
        )
        return [Notice(kind="other", message=message)]
    return []


@reads_rows
def named_files(connection: Connection, assets: Assets) -> list[str]:
    """Return the files that the rows of all users name, their thumbnails, and what arrived for them."""
    urls: list[str] = []
    stored = select(generations.c.asset, generations.c.asset_digest)
    for asset, digest in connection.execute(stored.where(generations.c.asset_digest.is_not(None))):
        urls += [asset["url"], assets.thumbnail_url(digest), assets.recipe_url(digest)]
    inputs = connection.execute(select(references.c.digest, references.c.media_type).distinct())
    named = {(row.digest, row.media_type) for row in inputs} | drafts.inputs(connection)
    for digest, media_type in sorted(named):
        urls += [assets.original_url(digest, media_type), assets.thumbnail_url(digest)]
    urls += filter(None, connection.scalars(select(topics.c.cover_url)))
    arrived = [*assets.arrived(), *assets.arrived(old=True)]
    waiting = select(generations.c.id).where(generations.c.asset_digest.is_(None))
    urls += [f"incoming/{name}" for name in set(arrived).intersection(connection.scalars(waiting))]
    return urls
