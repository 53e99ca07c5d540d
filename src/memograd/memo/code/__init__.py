"""What the code of a function means, told from its source, from what its names refer to, and from versions."""
