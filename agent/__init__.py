"""Measure and remember: probes, spool, batches. Knows nothing of thresholds or people."""
