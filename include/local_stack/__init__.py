"""Label Loop on one machine: starts and stops the local AWS endpoint and a real Airflow, and adds loops to them."""
