"""Guests: who has written or booked, what the desk knows of them, and what they may ask of their data."""
