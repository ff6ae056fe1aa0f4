"""Leases: permission to load a line with a bandwidth test. Two tests never share an uplink (decision 0021)."""
