"""What to keep and where it lies: plain integers in, a schedule out; one judge replays every schedule."""
