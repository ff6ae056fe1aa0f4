"""The measurement server: what a bandwidth test of a line talks to, apart from the collector (decision 0020)."""
