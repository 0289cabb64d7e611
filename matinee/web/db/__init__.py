"""Database: tables, migrations, connections, people and groups."""
