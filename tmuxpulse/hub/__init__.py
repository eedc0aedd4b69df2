"""Sequence, ring, fan-out, snapshots."""
