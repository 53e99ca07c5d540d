"""The body of each kind of kernel. What follows an op at the same index is computed while it is in a register."""
