"""Programs of the host that the embedded cloud runs, and the addresses of its networks."""
