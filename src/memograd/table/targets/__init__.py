"""What may be to be learned, one member each: classes, numbers, labels."""
