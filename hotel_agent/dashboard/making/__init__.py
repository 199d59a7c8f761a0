"""A booking that somebody at the front desk makes."""
