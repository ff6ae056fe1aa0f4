"""Verdicts that live: opened, revised, worked on by people, closed by measurement."""
