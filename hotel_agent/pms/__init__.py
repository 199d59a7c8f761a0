"""One door to every property-management system."""
