"""Backups: the database, the store and people's pictures of one moment in one file, and back."""
