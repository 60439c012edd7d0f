"""Every page and endpoint asks for a login, a permission, and a request that comes from the console itself."""

import pytest
from fastapi.routing import APIRoute
from tests.console.conftest import FROM_THE_CONSOLE, LOOP

READ = {"GET"}
# The role of Airflow's simple logins that a page's permission begins with, and the role below it.
BELOW = {"viewer": None, "user": "viewer", "op": "user"}


def routes() -> list[tuple[str, str]]:
    from label_loop.console.app import create_app

    found = []
    for route in create_app().routes:
        if isinstance(route, APIRoute) and route.path.startswith("/{loop_name}/"):
            found += [(method, route.path) for method in sorted(route.methods - {"HEAD"})]
    return found


def path_of(template: str) -> str:
    """Return a path with every parameter filled."""
    return template.replace("{loop_name}", LOOP.name).replace("{name}", "x").replace("{", "").replace("}", "")


def test_the_console_has_routes_to_test():
    assert ("GET", "/{loop_name}/overview") in routes()


@pytest.mark.parametrize(("method", "template"), routes())
def test_nobody_gets_in_without_a_login(client, method, template):
    answer = client(None).request(method, f"/label-loop{path_of(template)}", headers=FROM_THE_CONSOLE)
    assert answer.status_code == 401


@pytest.mark.parametrize(("method", "template"), [route for route in routes() if route[0] not in READ])
def test_a_viewer_changes_nothing(client, world, method, template):
    answer = client("viewer").request(method, f"/label-loop{path_of(template)}", headers=FROM_THE_CONSOLE)
    assert answer.status_code == 403


@pytest.mark.parametrize(("method", "template"), [route for route in routes() if route[0] not in READ])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Label-Loop": "console", "Sec-Fetch-Site": "cross-site"},
        {"X-Label-Loop": "console", "Sec-Fetch-Site": "same-site"},
        {"X-Label-Loop": "console", "Origin": "https://elsewhere.example"},
        {"X-Label-Loop": "console", "Origin": "http://[::1"},
        {"X-Label-Loop": "console", "Origin": "null"},
        {"Sec-Fetch-Site": "same-origin"},
    ],
    ids=[
        "a plain form",
        "another site",
        "a neighbouring site",
        "another origin",
        "no origin",
        "a hidden origin",
        "without our header",
    ],
)
def test_another_sites_page_changes_nothing(client, world, method, template, headers):
    answer = client("admin").request(method, f"/label-loop{path_of(template)}", headers=headers)
    assert answer.status_code == 403
    assert "did not come from a page of the console" in answer.text


def test_a_page_tells_a_browser_where_to_log_in(client):
    answer = client(None).get(f"/label-loop/{LOOP.name}/overview")
    assert answer.status_code == 401
    assert "/auth/login" in answer.text


@pytest.mark.parametrize("host", ["elsewhere.example", "[::1", "elsewhere.example/upload/detection?", "a b", ""])
def test_the_host_header_decides_nothing(client, world, host):
    browser = client("viewer")
    for path in ("overview/", "static/", "parameters//"):
        answer = browser.get(f"/label-loop/{LOOP.name}/{path}", headers={"Host": host}, follow_redirects=False)
        assert (answer.status_code, answer.headers.get("location")) == (404, None)
    first = browser.get("/label-loop/", headers={"Host": host}, follow_redirects=False)
    assert first.headers["location"] == f"/label-loop/{LOOP.name}/overview"
    login = client(None).get(f"/label-loop/{LOOP.name}/overview?a=%5B", headers={"Host": host})
    assert login.status_code == 401
    assert f"login?next=%2Flabel-loop%2F{LOOP.name}%2Foverview%3Fa%3D%255B" in login.text
    large = browser.post("/label-loop/", content=b" " * 2_000_000, headers={"Host": host})
    assert large.status_code == 413


@pytest.mark.parametrize("query", ["%FF", "a=%00&%5B=%5B", "\xff\xfe", "&" * 5000])
@pytest.mark.parametrize("path", [path_of(path) for method, path in routes() if method == "GET"])
def test_no_query_is_an_error_of_the_server(client, world, path, query):
    answer = client("op").get(f"/label-loop{path}?{query}")
    assert answer.status_code < 500
    assert client(None).get(f"/label-loop{path}?{query}").status_code == 401


def test_an_unknown_loop_is_told_from_a_missing_permission(client, world):
    answer = client("viewer").get("/label-loop/other/overview")
    assert answer.status_code == 404
    assert "parameter_paths" in answer.text


def test_a_forged_token_is_refused(client):
    browser = client(None)
    browser.cookies.set("_token", "forged.token.indeed")
    assert browser.get(f"/label-loop/{LOOP.name}/overview").status_code in {401, 403}


def test_the_first_page_is_the_overview_of_the_first_loop(client, world):
    answer = client("viewer").get("/label-loop/", follow_redirects=False)
    assert answer.headers["location"] == f"/label-loop/{LOOP.name}/overview"


def test_pages_allow_nothing_from_elsewhere_and_are_not_kept(ask, world):
    answer = ask("viewer", "GET", "overview")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"


def test_no_page_has_scripts_or_styles_within_it(ask, world):
    text = ask("viewer", "GET", "overview").text
    assert "<style" not in text
    assert " style=" not in text
    assert "<script>" not in text


def test_a_visitor_is_told_of_no_loop_that_is_not_theirs_to_see(ask, client, world, monkeypatch):
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    from label_loop.console import context

    allowed = SimpleAuthManager.is_authorized_dag

    def only_others(self, *, method, user, access_entity=None, details=None):
        is_secret = details is not None and str(details.id).startswith("secret.")
        return not is_secret and allowed(self, method=method, user=user, access_entity=access_entity, details=details)

    monkeypatch.setenv("AIRFLOW__LABEL_LOOP__PARAMETER_PATHS", f"{LOOP.path},/secret,/third")
    context.forget()
    try:
        assert "secret" in ask("viewer", "GET", "loops?page=review").text
        monkeypatch.setattr(SimpleAuthManager, "is_authorized_dag", only_others)
        choice = ask("viewer", "GET", "loops?page=review").text
        assert "/label-loop/third/review" in choice
        assert "secret" not in choice + ask("viewer", "GET", "review").text
        assert client("viewer").get("/label-loop/secret/overview").status_code == 403
    finally:
        context.forget()


def test_a_loop_that_a_variable_adds_is_there_without_a_restart(ask, client, world):
    from airflow.models.variable import Variable

    from label_loop.console import context
    from label_loop.loop import PATHS_VARIABLE

    page = f"/label-loop/{LOOP.name}/overview"
    assert "/loops?page=" not in client("viewer").get(page).text
    assert client("viewer").get("/label-loop/added/loops").status_code == 404
    Variable.set(PATHS_VARIABLE, "/added,no path")
    try:
        context._served.forget()  # as a few seconds do
        assert "/label-loop/added/review" in ask("viewer", "GET", "loops?page=review").text
        assert f"/label-loop/{LOOP.name}/loops?page=overview" in client("viewer").get(page).text
        assert "added" in client("viewer").get("/label-loop/added/loops").text
        Variable.delete(PATHS_VARIABLE)
        context._served.forget()
        assert client("viewer").get("/label-loop/added/loops").status_code == 404
    finally:
        context.forget()


@pytest.mark.parametrize("role", [None, "admin"])
def test_a_large_body_is_not_read_into_memory(client, world, role):
    url, told = f"/label-loop/{LOOP.name}/review/answer", {**FROM_THE_CONSOLE, "Content-Type": "application/json"}
    assert client(role).post(url, content=b" " * 2_000_000, headers=told).status_code == 413
    assert client(role).post(url, content=iter([b" "] * 9), headers=told).status_code == 413  # of an unknown length


def test_a_page_that_does_not_exist_is_told_as_a_page(client, world):
    answer = client("viewer").get(f"/label-loop/{LOOP.name}/nonsense")
    assert answer.status_code == 404
    assert "<h1>" in answer.text


def test_scripts_of_an_earlier_release_are_asked_for_again(client):
    assert client("viewer").get("/label-loop/static/console.js").headers["cache-control"] == "no-cache"
