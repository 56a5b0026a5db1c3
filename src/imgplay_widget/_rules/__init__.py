"""Rules without side effects: they read and write nothing, and know neither time nor network."""
