"""What does a guest mean? Pure: no database, no network, no Flask."""
