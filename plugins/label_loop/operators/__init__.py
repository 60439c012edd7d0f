"""Airflow's tasks: adapters that run a state's work, and defer where there is nothing to do but wait.

DAG files import these modules at every parse and every task start, so AWS libraries are imported only in
``execute``.
"""
