"""The widget that shows a studio in a notebook."""
