"""Passes keep the meaning of a function: constant folding, common subexpressions, dead code, algebra.

A pass is Function -> Function. It leaves its input alone, keeps the parameters and the number and
order of the results, and returns the very function it was given when there is nothing to do.
`pipeline.canonicalise` runs them all; `rewrite` is what the forward ones are made of.
"""
