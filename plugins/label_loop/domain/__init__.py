"""Pure decisions: no Airflow, no AWS, no clock but the one passed in."""
