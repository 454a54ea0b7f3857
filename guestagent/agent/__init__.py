"""What runs in the guest: from the node's metadata to a database server that holds it, and a signal that says so."""
