"""Reservations for programs of the hotel: found in our tables, and written through the verbs of the agent."""
