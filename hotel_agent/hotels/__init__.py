"""The tenants: who each hotel is, the numbers it answers on, what it knows about itself."""
