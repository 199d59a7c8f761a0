"""What the agent and the desk have done for guests in a stretch of days, in figures."""
