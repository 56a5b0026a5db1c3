"""What an image file says about how the image was made: reading it, and writing it.

Nothing here decodes pixels or evaluates what a file says. Every size, number and depth has a limit, because a
file can come from anybody.
"""

from imgplay_widget._rules.embedded.found import FileRecipe, found_in
from imgplay_widget._rules.embedded.metadata import Metadata, metadata_of
from imgplay_widget._rules.embedded.pieces import Piece, joined, pieces_with, read_at, size_of
from imgplay_widget._rules.embedded.written import Written, written

__all__ = [
    "FileRecipe",
    "Metadata",
    "Piece",
    "Written",
    "found_in",
    "joined",
    "metadata_of",
    "pieces_with",
    "read_at",
    "size_of",
    "written",
]
