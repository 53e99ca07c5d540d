"""The NumPy engine: a module of plain NumPy that a person can read. It is the meaning of every op."""
