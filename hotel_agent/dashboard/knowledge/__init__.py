"""What the hotel tells its guests about itself, what is missing, and what the agent would say."""
