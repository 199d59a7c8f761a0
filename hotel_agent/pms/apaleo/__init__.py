"""Apaleo: its public API, as its documentation tells it."""
