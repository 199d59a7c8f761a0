"""What guests send besides words: fetched by a worker, kept, and shown to staff."""
