"""Asking the network: echo requests, TCP connects, names, the gateway. The only place that knows icmplib."""
