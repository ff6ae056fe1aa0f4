"""`collector.api.Reader`, answered from the two databases."""
