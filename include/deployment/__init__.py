"""Takes loops and an Airflow to Amazon MWAA, and away again: ``python -m deployment``."""
