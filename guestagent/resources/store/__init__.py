"""Keeps orders and what became of them, so that a crash loses nothing and repeats nothing."""
