"""Transforms change the meaning of a function: its adjoint, its tangent, its batched form.

Each is Function -> Function, valid IR in and valid IR out; read `adjoint` first. A primitive with
regions is differentiated by its own row, which receives the transform of a region as a callback.
"""
