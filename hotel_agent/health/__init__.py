"""Is it alive, is it ready, what do the figures say."""
