"""The HTTP listener of the embedded cloud, its endpoints and its errors."""
