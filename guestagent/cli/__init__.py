"""One file per command group; the only package that prints or exits."""
