"""What agents signed about their batches, held against what lies here."""
