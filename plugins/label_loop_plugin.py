"""Registers Label Loop with Airflow's plugin manager, nothing more."""

from airflow.plugins_manager import AirflowPlugin


class LabelLoopPlugin(AirflowPlugin):
    """Makes the package's presence visible under Admin > Plugins."""

    name = "label_loop"
