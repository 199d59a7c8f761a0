"""What was said, who answers, and how words reach the guest."""
