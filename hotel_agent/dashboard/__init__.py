"""What staff see: the inbox, read across features."""
