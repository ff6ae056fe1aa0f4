"""The outbox: claim, send, record; each person told once, and at least once."""
