"""The resource manager over oslo.messaging: a server, a client, and what goes between them."""
