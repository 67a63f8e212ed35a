"""What other rules, or another day, would have made of what was decided or captured."""
