"""The pages: one file per page, its values for the template, and the texts."""
