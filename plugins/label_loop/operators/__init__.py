"""Airflow operators: thin adapters of the workflows, which defer while there is nothing to do.

DAG files import these modules at every parse and every task start, so AWS libraries are only imported in ``execute``.
"""
