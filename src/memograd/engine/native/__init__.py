"""The native engine: machine code from a graph, built with LLVM at run time."""
