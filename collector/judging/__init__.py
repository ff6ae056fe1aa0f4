"""Around the pure judge: what is due, what is known of it, the policy in force, and the flips on record."""
