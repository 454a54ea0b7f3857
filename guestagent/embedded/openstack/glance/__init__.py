"""The embedded Glance."""
