"""Registers Label Loop with Airflow's plugin manager, nothing more."""

from airflow.plugins_manager import AirflowPlugin

from label_loop.console import ConsoleApp
from label_loop.loop import CONSOLE_PATH


class LabelLoopPlugin(AirflowPlugin):
    """Mounts the console in the API server and lists it in Airflow's navigation."""

    name = "label_loop"
    fastapi_apps = [{"app": ConsoleApp(), "url_prefix": CONSOLE_PATH, "name": "Label Loop"}]  # noqa: RUF012 - as Airflow declares it
    external_views = [  # noqa: RUF012
        {
            "name": "Label Loop",
            "href": f"{CONSOLE_PATH}/",
            "destination": "nav",
            "url_route": "label-loop",
            "nav_top_level": True,
            "icon": f"{CONSOLE_PATH}/static/icon.svg",
            "icon_dark_mode": f"{CONSOLE_PATH}/static/icon-dark.svg",
        }
    ]
