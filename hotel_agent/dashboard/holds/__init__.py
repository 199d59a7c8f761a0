"""Rooms that are kept for guests while they decide, and what became of those that were."""
