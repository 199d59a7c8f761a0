"""The worker processes: jobs of a few lines each, their schedule, and the supervisor that keeps them running."""
