"""What every other room needs of the host: programs, addresses, the clock, the cache folder."""
