"""The process of the embedded cloud: its daemon, its state file, and its entry in clouds.yaml."""
