"""Ways to reach people, one file each, in one table."""
