"""Looks at deployed packages as Airflow would meet them: ``python -I looks.py HOME...`` prints what each lacks.

A home has ``plugins``, unpacked, and ``dags``. Each is looked at in a process of its own, forked off one that has
imported what all need, with nothing of the checkout on its path.
"""

import ast
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import airflow.api.common.trigger_dag
import airflow.api_fastapi.core_api.security
import airflow.models
import airflow.providers.amazon.aws.hooks.s3
import airflow.providers.amazon.aws.triggers.sqs  # noqa: F401
from airflow._shared.module_loading.file_discovery import find_path_from_directory
from airflow.dag_processing.dagbag import DagBag
from fastapi.testclient import TestClient

_HTML = {"Accept": "text/html"}
_NEVER = ("local_aws", "local_stack", "demo", "sample_images", "tests")
_STATES = ("approval", "bake", "detection", "human_review", "human_sampling", "parameter_sync", "quality", "training")


def nothing_else_is_there(home: Path) -> Iterator[str]:
    yield from (f"{name} is there" for name in _NEVER if find_spec(name))


def airflow_executes_the_plugin_alone(home: Path) -> Iterator[str]:
    found = find_path_from_directory(home / "plugins", ".airflowignore")
    executed = [Path(path).name for path in found if path.endswith(".py")]
    if executed != ["label_loop_plugin.py"]:
        yield f"Airflow executes {len(executed)} files"


def all_that_is_imported_is_there(home: Path) -> Iterator[str]:
    for path in (path for folder in ("plugins", "dags") for path in (home / folder).rglob("*.py")):
        yield from (f"{path.name} imports {name}" for name in _imports(path.read_text()) if not _is_importable(name))


def the_dags_can_be_parsed(home: Path) -> Iterator[str]:
    bag = DagBag(str(home / "dags"))
    yield from (f"{Path(path).name}: {error.splitlines()[-1]}" for path, error in bag.import_errors.items())
    if wrong := {f"label-loop.{state}" for state in _STATES} ^ set(bag.dags):
        yield f"the DAGs differ by {sorted(wrong)}"


def the_console_has_its_files(home: Path) -> Iterator[str]:
    app = import_module("label_loop.console.app").create_app()
    client = TestClient(app, raise_server_exceptions=False)
    page = client.get("/nothing-here", headers=_HTML)
    if page.status_code != 404 or "<html" not in page.text:
        yield "no page can be made"
    templates = import_module("label_loop.console.render")._templates()
    texts = [templates.loader.get_source(templates, name)[0] for name in templates.list_templates()]
    sources = [path.read_text() for path in (home / "plugins").rglob("*.py")]
    named = {name for text in [*sources, *texts] for name in re.findall(r'"([\w/]+\.html)"', text)}
    for name in sorted(named):
        if name not in templates.list_templates():
            yield f"no template {name}"
    views = json.dumps(import_module("label_loop_plugin").LabelLoopPlugin.external_views)
    for path in sorted({path for text in [views, *texts] for path in re.findall(r"/(static/[\w./-]+\.\w+)", text)}):
        if client.get(f"/{path}").status_code != 200:
            yield f"no {path}"


def the_waiters_are_there(home: Path) -> Iterator[str]:
    from label_loop.hooks.rekognition import RekognitionHook

    if not RekognitionHook(aws_conn_id=None, region_name="eu-west-1").list_waiters():
        yield "no waiters"


LOOKS: tuple[Callable[[Path], Iterator[str]], ...] = (
    nothing_else_is_there,
    airflow_executes_the_plugin_alone,
    all_that_is_imported_is_there,
    the_dags_can_be_parsed,
    the_console_has_its_files,
    the_waiters_are_there,
)


def problems(home: Path) -> Iterator[str]:
    """Yield what each look finds; whatever stops it is a problem as well."""
    sys.path.insert(0, str(home / "plugins"))
    for look in LOOKS:
        try:
            yield from look(home)
        except Exception as error:
            yield f"{type(error).__name__}: {error}"


def _imports(source: str) -> Iterator[str]:
    """Yield what is imported of the package, inside functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("label_loop"):
            yield from (f"{node.module}:{alias.name}" for alias in node.names)


def _is_importable(name: str) -> bool:
    module, attribute = name.split(":")
    try:
        return hasattr(import_module(module), attribute) or bool(import_module(f"{module}.{attribute}"))
    except ImportError:
        return False


def _look(home: Path) -> list[str]:
    """Look in a child process."""
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, json.dumps(list(problems(home))).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.wait()
    return list(json.loads(text or '["it ended without a word"]'))


if __name__ == "__main__":
    sys.stdout.write(f"RESULT {json.dumps([_look(Path(home)) for home in sys.argv[1:]])}\n")
