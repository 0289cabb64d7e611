"""HTTP: middleware, limits, security, problem documents, logs and metrics."""
