"""Values as a form and blobs, and back: one file for each family of types, one table of them all."""
