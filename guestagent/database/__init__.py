"""The edge to the database server: what it shows, what can be done to it, and one dialect per family."""
