"""The pieces of overhead.py: small programs, the eager libraries that run them, and the import times."""
