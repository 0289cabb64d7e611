"""What every request and response passes: limits, security, problem documents, logs and
metrics."""
