"""Becoming an agent: keys made in a child, a CA that the join code vouches for, an identity."""
