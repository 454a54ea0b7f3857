"""One file per command group; the only room that prints or exits."""
