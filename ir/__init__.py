"""The SSA intermediate representation: types, functions, primitives, text form, transforms.

Start with `types`, `function`, then `primitive` (what a row is) and `ops` (the table). Everything
here is NumPy and the standard library only, and knows nothing of tracing or of code generation.
"""
