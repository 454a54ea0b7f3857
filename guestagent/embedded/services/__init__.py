"""The HTTP faces of the embedded cloud, one file a service."""
