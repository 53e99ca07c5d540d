"""Bytes in, bytes out: what was stored comes back as it was, or not at all. Knows no arrays, functions or graphs."""
