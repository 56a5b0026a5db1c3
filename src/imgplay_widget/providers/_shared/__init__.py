"""Parts that several providers use."""
