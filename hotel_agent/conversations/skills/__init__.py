"""One file for each thing a guest can ask."""
