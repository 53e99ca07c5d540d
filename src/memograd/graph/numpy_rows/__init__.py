"""What NumPy's functions mean on traced arrays: one row each, written in terms of ops or of other rows.

Importing a module fills the tables of `memograd.graph.traced`. A parameter that a row does not have is an option that
tracing does not know, and is refused by name. Rows read like the NumPy code they stand for: what they call on traced
arrays is traced in turn.
"""
