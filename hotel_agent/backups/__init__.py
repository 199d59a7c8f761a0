"""Dumps of the database: taken, kept for so long, tried, and restored."""
