"""Slow proofs and comparisons: every bar of the design is a script here, and what it measured is in RESULTS.md.

`python -m bench.NAME [--quick]` ends with one JSON object on standard output; `python -m bench` runs them all and
writes RESULTS.md. Nothing leaves this machine: servers listen on loopback, peers live in network namespaces of the run.
"""
