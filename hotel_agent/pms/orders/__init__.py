"""Holds, bookings and changes for systems that know orders and no holds: an order with our token, and rows of ours."""
