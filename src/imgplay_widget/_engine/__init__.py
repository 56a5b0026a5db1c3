"""The engine: the owner of tasks and of time, and the store as the event loop sees it."""
