"""Incidents on the board: all of them, one of them, a technician's phone, the proof of a repair, the officer's page.

Everything here comes by `alerts.api` and `collector.api`.
"""
