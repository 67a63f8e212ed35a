"""The versions; `v0001` is the oldest."""
