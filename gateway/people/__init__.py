"""Data subjects: what they ask for, what went where of theirs, and the tasks that follow."""
