"""The property-management system of a hotel that has none: its rooms, rates and reservations live here."""
