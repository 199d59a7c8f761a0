"""The people of the hotel: accounts, roles, tokens."""
