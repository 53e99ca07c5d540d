"""`memograd train`: from a CSV file to a model file and a score on rows held out, or to what was trained already."""
