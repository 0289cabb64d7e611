"""The models being served, their replacement, film search, and the queue for long work."""
