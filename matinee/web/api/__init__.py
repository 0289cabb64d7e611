"""The JSON API under /api/v1, and the response values that it shares with the pages."""
