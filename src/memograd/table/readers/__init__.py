"""What may be a table, one member each: every reader takes one kind of container apart into columns."""
