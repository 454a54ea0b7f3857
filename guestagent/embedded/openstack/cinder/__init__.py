"""A minimal Cinder."""
