"""Claims on rooms: holds with an expiry, and booked stays. PostgreSQL keeps live ones from overlapping."""
