"""Functions: what their code means, and what to call the results of their calls."""
