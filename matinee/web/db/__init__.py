"""The database: its tables, migrations and connection, transactions, people with their
ratings, and groups."""
