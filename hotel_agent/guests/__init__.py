"""Who writes: people, and the identities by which they are known."""
