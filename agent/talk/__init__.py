"""Speaking with the collector: batches out, tasks and plans in; and the loopback page of own numbers."""
