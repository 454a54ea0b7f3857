"""The agent in a node: configures the database server from the node's metadata and signals Heat."""
