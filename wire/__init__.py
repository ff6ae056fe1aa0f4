"""The contract between every agent and every collector: messages, outcomes, metrics, identity, codec, client.

Ground floor of the house: imports msgspec and the standard library, and nothing of ours.
"""
