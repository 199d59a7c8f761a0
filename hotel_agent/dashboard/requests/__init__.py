"""What guests have asked the house to do, as a board."""
