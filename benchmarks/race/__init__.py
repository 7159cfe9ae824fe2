"""How contestants are run side by side: agreement first, then interleaved timing; tables, JSON, pictures."""
