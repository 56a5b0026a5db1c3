"""The studio as a widget of a notebook."""
