"""The studio: store, engine and providers together, without a page."""
