"""One elementary function at a time, of several libraries: what `vector_math.py` measures."""
