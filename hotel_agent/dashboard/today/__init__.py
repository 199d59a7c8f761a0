"""The day at the front desk: who comes, who leaves, who is there, and how full the house is."""
