"""What the guests of NATIVES read and signal to, in place of Heat: documents and handles over HTTPS."""
