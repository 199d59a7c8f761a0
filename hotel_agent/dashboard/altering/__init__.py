"""A booking that somebody at the front desk changes or cancels."""
