"""``python -m label_loop``: sets loops up and operates them. Needs boto3 alone."""

import sys

# Airflow executes a plugins folder without its .airflowignore file by file, this one as a plain "__main__".
if __name__ == "__main__" and __package__ == "label_loop":
    try:
        from label_loop.cli import main
    except ModuleNotFoundError as error:
        if error.name not in {"boto3", "botocore"}:
            raise
        sys.exit("This Python has no boto3: install it (pip install boto3), or use the project's .venv/bin/python.")
    sys.exit(main())
