"""The embedded Nova."""
