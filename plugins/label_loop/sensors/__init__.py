"""Airflow's sensors of project versions, uploads and answers, for the loops' DAGs and any other."""
