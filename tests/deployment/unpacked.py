"""Looks at unpacked packages as Airflow would meet them: ``python -I unpacked.py FOLDER...`` prints what each lacks.

Each folder is looked at in a process of its own, forked off one that has imported what all need, with nothing of the
checkout on its path.
"""

import ast
import json
import os
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import airflow.api_fastapi.core_api.security
import airflow.models
import airflow.providers.amazon.aws.hooks.base_aws  # noqa: F401
from airflow._shared.module_loading.file_discovery import find_path_from_directory
from fastapi.testclient import TestClient

_HTML = {"Accept": "text/html"}
_NEVER = ("local_aws", "local_stack", "demo", "sample_images", "tests")


def problems(folder: Path) -> Iterator[str]:
    sys.path.insert(0, str(folder))
    yield from (f"{name} is there" for name in _NEVER if find_spec(name))
    executed = [Path(path).name for path in find_path_from_directory(folder, ".airflowignore") if path.endswith(".py")]
    if executed != ["label_loop_plugin.py"]:
        yield f"Airflow executes {len(executed)} files"
    sources = {path: path.read_text() for path in folder.rglob("*.py")}
    for path, source in sources.items():
        yield from (f"{path.name} imports {name}" for name in _imports(source) if not _is_importable(name))
    yield from _in_the_console(folder, sources)
    from label_loop.hooks.rekognition import RekognitionHook

    if not RekognitionHook(aws_conn_id=None, region_name="eu-west-1").list_waiters():
        yield "no waiters"


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


def _in_the_console(folder: Path, sources: dict[Path, str]) -> Iterator[str]:
    plugin = import_module("label_loop_plugin").LabelLoopPlugin
    app = import_module("label_loop.console.app").create_app()
    client = TestClient(app, raise_server_exceptions=False)
    page = client.get("/nothing-here", headers=_HTML)
    if page.status_code != 404 or "<html" not in page.text:
        yield "no page can be made"
    templates = import_module("label_loop.console.render")._templates()
    texts = [templates.loader.get_source(templates, name)[0] for name in templates.list_templates()]
    named = {name for text in [*sources.values(), *texts] for name in re.findall(r'"([\w/]+\.html)"', text)}
    for name in sorted(named):
        if name not in templates.list_templates():
            yield f"no template {name}"
    views = json.dumps(plugin.external_views)
    for path in sorted({path for text in [views, *texts] for path in re.findall(r"/(static/[\w./-]+\.\w+)", text)}):
        if client.get(f"/{path}").status_code != 200:
            yield f"no {path}"


def _look(folder: Path) -> list[str]:
    """Look in a child process; whatever stops it is a problem as well."""
    read, write = os.pipe()
    if os.fork() == 0:
        found = []
        try:
            found.extend(problems(folder))
        except Exception as error:
            found.append(f"{type(error).__name__}: {error}")
        os.write(write, json.dumps(found).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.wait()
    return list(json.loads(text or '["it ended without a word"]'))


if __name__ == "__main__":
    sys.stdout.write(f"RESULT {json.dumps([_look(Path(folder)) for folder in sys.argv[1:]])}\n")
