"""How the database came to its present form: one file for each step, applied in order when
`serve` starts."""
