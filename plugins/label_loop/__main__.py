"""``python -m label_loop``: sets up loops and operates them. Needs only boto3."""

import sys

# Airflow executes each file of a plugins folder that lacks its .airflowignore; it runs this one as plain "__main__".
if __name__ == "__main__" and __package__ == "label_loop":
    try:
        from label_loop.cli import main
    except ModuleNotFoundError as error:
        if error.name not in {"boto3", "botocore"}:
            raise
        sys.exit("This Python has no boto3: install it (pip install boto3), or use the project's .venv/bin/python.")
    sys.exit(main())
