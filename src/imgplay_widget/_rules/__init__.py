"""The rules without side effects: they do not read or write, and know neither the time nor the network."""
