"""Brings a version of the program to guests, and takes it back when it is no better than the one before."""
