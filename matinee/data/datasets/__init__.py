"""Data sets by name: the built-in sample, and MovieLens as GroupLens publishes it."""
