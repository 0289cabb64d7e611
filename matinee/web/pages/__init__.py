"""HTML pages: one module per page, shared rendering code, and the texts."""
