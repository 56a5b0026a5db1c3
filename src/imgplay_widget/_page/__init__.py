"""The page's side in the kernel: the protocol, and the answers to each call of it."""
