"""The sizes of a database server for its machine, and the option file that holds them before its first start."""
