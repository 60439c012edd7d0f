"""An API server with FAB's logins, as a program: an auth manager is a whole process's, and has tables of its own.

``python fab_airflow.py PORT`` makes the database, a user for each of the roles below, and serves until it is ended.
Names and passwords are the role's in small letters.
"""

import argparse
import sys

import uvicorn

LOOPS = ("other", "pages")  # the one that some may not see comes first
ROLES = ("Viewer", "User", "Op", "Admin")
STATES = ("training", "approval", "bake", "detection", "human_review", "human_sampling", "parameter_sync", "quality")
# Roles of an administrator's own: one looks at one loop, one reviews in it and nothing else, one reads
# its parameters, one may see none.
OWN_ROLES = {
    "Onlooker": [("can_read", f"DAG:pages.{state}") for state in STATES],
    "Reviewer": [
        ("can_read", "DAG:pages.training"),
        ("can_edit", "DAG:pages.human_review"),
        ("can_read", "Website"),
        ("can_read", "Plugins"),
    ],
    "Auditor": [("can_read", "DAG:pages.training"), ("can_read", "Variables")],
    "Stranger": [("can_read", "Website")],
}


def main(port: int) -> None:
    from airflow.api_fastapi.app import create_app
    from airflow.cli.commands.dag_command import dag_reserialize
    from airflow.utils.db import initdb

    initdb()
    dag_reserialize(argparse.Namespace(bundle_name=None))
    app = create_app(apps="core")
    add_users()
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


def add_users() -> None:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.providers.fab.auth_manager.fab_auth_manager import FabAuthManager

    manager = get_auth_manager()
    assert isinstance(manager, FabAuthManager)
    assert manager.flask_app
    with manager.flask_app.app_context():
        security = manager.security_manager
        for role, permissions in OWN_ROLES.items():
            made = security.add_role(role)
            for action, resource in permissions:
                security.add_permission_to_role(made, security.create_permission(action, resource))
        for role in (*ROLES, *OWN_ROLES):
            name = role.lower()
            assert security.add_user(name, role, "Test", f"{name}@airflow.test", security.find_role(role), name)


if __name__ == "__main__":
    main(int(sys.argv[1]))
