"""Triggers, which wait in the triggerer without a worker slot."""
