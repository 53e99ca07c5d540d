"""`memograd memo`: what memoized functions keep on disk, to look at, check, bound, remove and carry elsewhere."""
