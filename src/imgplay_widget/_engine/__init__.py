"""The engine: it starts tasks, waits for them, and calls the store without blocking the event loop."""
