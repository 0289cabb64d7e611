"""A person's own ratings: a plain CSV, or the export of a film site."""
