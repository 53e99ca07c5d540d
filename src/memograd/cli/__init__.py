"""Arguments in, text and exit status out; the only place that prints or reads the environment."""
