"""An image-generation studio that lives in a notebook."""

__all__: list[str] = []
