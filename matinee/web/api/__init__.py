"""The JSON API under /api/v1, and the values that it shares with the pages."""
