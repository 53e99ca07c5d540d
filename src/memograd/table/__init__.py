"""What a raw table is to a network: columns read from any container, encoded as one matrix; targets both ways."""
