"""The migrations. A released migration is never changed; add a new one instead."""
