"""A hotel's reservations: the list, and one of them with its story."""
