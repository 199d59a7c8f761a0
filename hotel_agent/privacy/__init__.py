"""What a guest may ask of their own data: to have all of it, and to have it erased."""
