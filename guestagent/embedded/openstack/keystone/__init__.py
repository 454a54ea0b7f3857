"""The embedded Keystone."""
