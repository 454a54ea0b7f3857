"""The commands of `guestagent resources`, beside those of the service itself."""
