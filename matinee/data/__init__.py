"""Data before a model sees it: titles of items, and the keys by which they are compared."""
