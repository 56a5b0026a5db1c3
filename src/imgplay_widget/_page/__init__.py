"""The kernel's side of a page: the protocol of their messages, and the answer to each call of the page."""
