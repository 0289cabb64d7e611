"""The database: tables, migrations, connection, people and groups."""
