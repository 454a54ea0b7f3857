"""The resource types that the embedded Heat knows, one file per type or family of types."""
