"""Feature flags: switches per hotel or everywhere, with built-in defaults."""
