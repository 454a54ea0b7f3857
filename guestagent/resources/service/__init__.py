"""The resource manager as a service: its settings, its assembly, its health and metrics."""
