"""The whole of Label Loop on one machine: the local AWS endpoint and a real Airflow, started and stopped."""
