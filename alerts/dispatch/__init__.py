"""Whom to call for an incident, and how many people wait. Pure."""
