"""Numbers kept for charts, with their cursor, and how long they stay."""
