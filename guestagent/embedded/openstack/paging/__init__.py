"""Lists of the embedded services in pages."""
