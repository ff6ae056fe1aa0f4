"""Correlation and reconciliation once more over what is on record: what would have been said, against what was."""
