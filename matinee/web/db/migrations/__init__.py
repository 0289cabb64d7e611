"""Migrations of the database: one file each, applied in order when `matinee serve` starts."""
