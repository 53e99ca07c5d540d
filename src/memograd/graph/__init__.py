"""What is computed: ops (a table), interned nodes, tracing of plain NumPy code, the checker."""
