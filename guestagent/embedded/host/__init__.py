"""The host's programs, addresses, clock and cache folder, for every other package of `embedded`."""
