"""The audit log: who did what with which outcome, in entries that are added and never changed."""
