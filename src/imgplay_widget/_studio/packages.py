"""Packages that only some calls need. They are imported at use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from imgplay_widget.errors import MissingPackage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

__all__ = ["array_of", "needed"]


def needed(package: str) -> Any:
    """Return a package.

    Raises:
        MissingPackage: the package is not installed. The error says how to install it.
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise MissingPackage(
            f"The package {package} is not installed.", next_step=f"Install it: pip install {package}"
        ) from error


def array_of(image: Image) -> NDArray[np.uint8]:
    """Return an RGB or RGBA image as an array, height × width × 3 or 4, which the caller may change.

    Raises:
        MissingPackage: NumPy is not installed.
    """
    return needed("numpy").array(image)
