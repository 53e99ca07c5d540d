"""How a schedule runs: one folder or file for each engine, one protocol for all."""
