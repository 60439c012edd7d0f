"""Waits of a DAG that another task's result starts."""
