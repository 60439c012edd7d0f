"""Registers Label Loop with Airflow's plugin manager, nothing more."""

from airflow.plugins_manager import AirflowPlugin

from label_loop.console import URL_PREFIX, ConsoleApp


class LabelLoopPlugin(AirflowPlugin):
    """Mounts the console in the API server and lists it in Airflow's navigation."""

    name = "label_loop"
    fastapi_apps = [{"app": ConsoleApp(), "url_prefix": URL_PREFIX, "name": "Label Loop"}]  # noqa: RUF012 - as Airflow declares it
    external_views = [  # noqa: RUF012
        {
            "name": "Label Loop",
            "href": f"{URL_PREFIX}/",
            "destination": "nav",
            "url_route": "label-loop",
            "nav_top_level": True,
            "icon": f"{URL_PREFIX}/static/icon.svg",
            "icon_dark_mode": f"{URL_PREFIX}/static/icon-dark.svg",
        }
    ]
