"""The array surface: NumPy's names, each lowered to the primitives of the IR.

`function` says how a lowering becomes a callable; the other modules are the functions, by kind.
"""
