"""The models being served: snapshots of model files, their replacement, film search, and the
queue for long work."""
