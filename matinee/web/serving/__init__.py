"""Serving models: snapshots and their replacement, film search, and a queue for slow work."""
