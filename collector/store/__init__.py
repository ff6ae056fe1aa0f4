"""The two databases: tables, the one writer of each, bodies read back, migrations."""
