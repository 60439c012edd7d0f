"""Deploys loops and an Airflow to Amazon MWAA, and removes them again: ``python -m deployment``."""
