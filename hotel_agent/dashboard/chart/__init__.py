"""The tape chart: rooms down, nights across."""
