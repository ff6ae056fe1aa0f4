"""What is kept is tried on both databases, with the collector's own store."""

from tests.collector.conftest import clock, cluster, hub, sqlite_pattern, store, store_url

__all__ = ["clock", "cluster", "hub", "sqlite_pattern", "store", "store_url"]
