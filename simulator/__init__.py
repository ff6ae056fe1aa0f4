"""A province in a box: agents that speak the wire contract, a world that is a pure function of seed, scenario and time,
and the truth about it beside what they measure. For demonstrations, load and replay.

Imports `wire` and nothing else of ours; the roof gives it a collector (`simulator.stage`).
"""
