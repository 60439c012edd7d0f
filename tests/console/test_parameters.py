"""Parameters: seen as they stand, set in place, and told who changed them; nobody's edit is lost."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from tests.console.conftest import FROM_THE_CONSOLE, LOOP
from tests.integration.world import World

from label_loop.parameters import PARAMETERS, Group
from label_loop.variables import read_settings, variable_text
from label_loop.workflows import parameter_sync

GATE = "Minimum-F1-Score"
SWITCH = "Enable-A2I-Workflow"
INSTRUCTIONS = "Review-Instructions"
HOSTILE = "<script>alert('x')</script>\n\"&{x}"

type Ask = Callable[..., Any]


def variable(name: str) -> str | None:
    return variable_text(LOOP, name)


@pytest.fixture
def sync(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """Return the DAG's own sync; a task writes Variables through the API, this process through the database."""
    from airflow.models.variable import Variable

    def write(loop: Any, name: str, text: str, description: str) -> None:
        Variable.set(loop.variable(name), text, description=description)

    monkeypatch.setattr(parameter_sync, "write_variable", write)
    return lambda: parameter_sync.ParameterSyncWorkflow(world.context()).sync()


@pytest.fixture
def synced(world: World, sync: Callable[[], Any]) -> World:
    sync()
    return world


def save(ask: Ask, name: str, text: str | None, before: str, role: str = "op", **more: str) -> Any:
    form = {"before": before, **more} | ({} if text is None else {"text": text})
    return ask(role, "POST", f"parameters/{name}", data=form)


def article(page: str, name: str) -> str:
    found = re.search(rf'<article class="panel parameter" id="parameter-{name}">.*?</article>', page, re.DOTALL)
    assert found
    return found[0]


def problem(page: str) -> str:
    found = re.search(r'<p class="problem-text" id="problem-[^"]*" role="alert">(.*?)</p>', page, re.DOTALL)
    return html.unescape(found[1]) if found else ""


# --- who may


ENDPOINTS = [
    ("GET", "parameters"),
    ("GET", f"parameters/{GATE}/status"),
    ("GET", f"parameters/{GATE}/history"),
    ("GET", "parameters/history"),
]


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_only_who_may_read_variables_sees_them(ask: Ask, synced: World, method: str, path: str) -> None:
    assert ask(None, method, path).status_code == 401
    for role in ("viewer", "user"):
        refused = ask(role, method, path)
        assert refused.status_code == 403
        assert "permission to read Airflow Variables" in refused.text
    assert ask("op", method, path).status_code == 200


def test_the_page_is_offered_to_who_may_read_variables(ask: Ask, synced: World) -> None:
    link = f'href="/label-loop/{LOOP.name}/parameters"'
    assert [role for role in ("viewer", "user", "op") if link in ask(role, "GET", "overview").text] == ["op"]


def test_the_right_is_asked_for_each_variable(ask: Ask, synced: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    asked: set[tuple[str, str]] = set()

    denied: list[str] = []

    def may(self: Any, *, method: str, user: Any, details: Any) -> bool:
        asked.add((method, details.key))
        return details.key not in denied

    monkeypatch.setattr(SimpleAuthManager, "is_authorized_variable", may)
    assert ask("op", "GET", "parameters").status_code == 200
    assert asked == {(method, LOOP.variable(name)) for method in ("GET", "PUT") for name in PARAMETERS}
    denied.append(LOOP.variable(GATE))
    assert ask("op", "GET", "parameters").status_code == 403
    assert save(ask, GATE, "0.9", "0.8").status_code == 403


def test_only_who_may_edit_variables_sets_a_parameter(ask: Ask, synced: World) -> None:
    assert ask(None, "POST", f"parameters/{GATE}", data={"text": "0.9", "before": "0.8"}).status_code == 401
    for role in ("viewer", "user"):
        assert save(ask, GATE, "0.9", "0.8", role=role).status_code == 403
    assert variable(GATE) == "0.8"
    assert save(ask, GATE, "0.9", "0.8").status_code == 200
    assert variable(GATE) == "0.9"


@pytest.mark.parametrize("headers", [{}, {**FROM_THE_CONSOLE, "Sec-Fetch-Site": "cross-site"}])
def test_another_sites_form_sets_nothing(ask: Ask, synced: World, headers: dict[str, str]) -> None:
    answer = ask("admin", "POST", f"parameters/{GATE}", data={"text": "0.9", "before": "0.8"}, headers=headers)
    assert answer.status_code == 403
    assert variable(GATE) == "0.8"


def test_who_may_only_read_variables_sees_no_control(ask: Ask, synced: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    monkeypatch.setattr(SimpleAuthManager, "is_authorized_variable", lambda self, *, method, **how: method == "GET")
    page = ask("viewer", "GET", "parameters").text
    assert "<form" not in page
    assert "permission to edit Airflow Variables" in page
    assert '<p class="value">0.8</p>' in page


# --- what is shown


def test_the_page_shows_the_ten_and_the_optional_ones_apart(ask: Ask, synced: World) -> None:
    page = ask("op", "GET", "parameters").text
    parts = dict(zip(Group, re.split("|".join(f"{group}</h2>" for group in list(Group)[1:]), page), strict=True))
    for name, parameter in PARAMETERS.items():
        shown = html.unescape(article(parts[parameter.group], name))
        assert parameter.description in shown
        assert parameter.rule in shown
        assert f"Default: {parameter.default}" in shown
        assert "in effect" in shown
        assert 'hx-trigger="load delay' not in shown  # settled: nothing to wait for


def test_each_value_has_a_control_that_fits(ask: Ask, synced: World) -> None:
    page = ask("op", "GET", "parameters").text
    assert 'role="switch"' in article(page, SWITCH)
    assert " checked" in article(page, SWITCH)
    assert " checked" not in article(page, "Review-Allow-New-Labels")
    assert 'inputmode="decimal"' in article(page, GATE)
    assert 'inputmode="numeric"' in article(page, "Human-Sampling-Interval")
    assert '<textarea id="text-Review-Instructions"' in article(page, INSTRUCTIONS)


@pytest.mark.parametrize("side", ["Parameter Store", "Airflow Variables"])
def test_a_refused_value_is_shown_where_it_stands_with_the_reason(ask: Ask, synced: World, side: str) -> None:
    synced.put_parameter(GATE, "70,0") if side == "Parameter Store" else synced.set_variable(GATE, "70,0")
    shown = html.unescape(article(ask("op", "GET", "parameters").text, GATE))
    assert f"{side}: {GATE} is '70,0', but must be a number from 0 to 1, such as 0.8." in shown
    assert '<strong class="in-force">0.8</strong>' in shown


def test_a_difference_is_shown_with_its_way(ask: Ask, synced: World) -> None:
    synced.put_parameter(GATE, "0.9")
    synced.set_variable("Human-Sampling-Interval", "7")
    page = ask("op", "GET", "parameters").text
    assert "syncing from Parameter Store" in article(page, GATE)
    assert "<span>0.9</span>" in article(page, GATE)
    assert "syncing to Parameter Store" in article(page, "Human-Sampling-Interval")


def test_a_paused_sync_is_told(ask: Ask, synced: World, dags: None) -> None:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session
    from sqlalchemy import update

    def pause(paused: bool) -> None:
        with create_session() as session:
            dag = DagModel.dag_id == LOOP.dag_id("parameter_sync")
            session.execute(update(DagModel).where(dag).values(is_paused=paused))

    try:
        pause(True)
        assert "is paused" in ask("op", "GET", "parameters").text
        pause(False)
        assert "is paused" not in ask("op", "GET", "parameters").text
    finally:
        pause(False)


# --- saving


def test_a_saved_value_is_on_its_way_until_both_sides_agree(ask: Ask, synced: World, sync: Any) -> None:
    answer = save(ask, GATE, " 0.9 ", "0.8")
    assert answer.status_code == 200
    assert "syncing to Parameter Store" in answer.text
    assert f'hx-get="/label-loop/{LOOP.name}/parameters/{GATE}/status"' in answer.text
    assert (variable(GATE), synced.parameter(GATE)) == ("0.9", "0.8")
    assert read_settings(LOOP).minimum_f1_score == 0.9
    waiting = ask("op", "GET", f"parameters/{GATE}/status").text
    assert "load delay" in waiting
    sync()
    assert synced.parameter(GATE) == "0.9"
    settled = ask("op", "GET", f"parameters/{GATE}/status").text
    assert '<span class="badge good">in effect</span> <strong class="in-force">0.9</strong>' in settled
    assert "load delay" not in settled


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (GATE, "70,0"), (GATE, "2"), (GATE, ""), (GATE, "1" * 5000), ("Human-Sampling-Interval", "1_000"),
        (INSTRUCTIONS, ""), (INSTRUCTIONS, "x" * 2001), (INSTRUCTIONS, "see {{ssm:/x}}"), (INSTRUCTIONS, "a\x00b"),
        (SWITCH, "perhaps"),
    ],
)  # fmt: skip
def test_a_refused_text_stays_in_its_field_and_the_old_value_in_force(
    ask: Ask, synced: World, name: str, text: str
) -> None:
    before = PARAMETERS[name].default
    answer = save(ask, name, text, before)
    assert answer.status_code == 422
    assert PARAMETERS[name].rule in problem(answer.text)
    assert (variable(name), synced.parameter(name)) == (before, before)
    if name != SWITCH:
        assert 'aria-invalid="true"' in answer.text
        assert f'aria-describedby="help-{name} problem-{name}"' in answer.text
        typed = re.search(r'(?:name="text" value="|name="text" rows="4"[^>]*>\n)([^"<]*)', answer.text)
        assert typed
        assert html.unescape(typed[1]) == text.strip()


def test_a_switch_that_is_off_sends_nothing_and_is_saved(ask: Ask, synced: World) -> None:
    assert save(ask, SWITCH, None, "true").status_code == 200
    assert variable(SWITCH) == "false"
    assert save(ask, SWITCH, "true", "false").status_code == 200
    assert variable(SWITCH) == "true"


def test_the_default_is_restored_whatever_the_field_holds(ask: Ask, synced: World) -> None:
    save(ask, GATE, "0.9", "0.8")
    assert "Restore default" in article(ask("op", "GET", "parameters").text, GATE)
    answer = save(ask, GATE, "nonsense", "0.9", restore="true")
    assert answer.status_code == 200
    assert variable(GATE) == "0.8"
    assert "Restore default" not in answer.text


def test_instructions_come_back_as_they_were_typed_and_never_as_markup(ask: Ask, synced: World, sync: Any) -> None:
    answer = save(ask, INSTRUCTIONS, HOSTILE.replace("\n", "\r\n"), PARAMETERS[INSTRUCTIONS].default)
    assert answer.status_code == 200
    assert variable(INSTRUCTIONS) == HOSTILE
    sync()
    assert synced.parameter(INSTRUCTIONS) == HOSTILE
    for page in ("parameters", "parameters/history", f"parameters/{INSTRUCTIONS}/history"):
        text = ask("op", "GET", page).text
        assert "<script>alert" not in text
        assert "alert(" in text
    again = save(ask, INSTRUCTIONS, "Look twice.", HOSTILE.replace("\n", "\r\n"))  # as a browser sends its lines
    assert again.status_code == 200


def test_a_value_that_was_changed_meanwhile_is_not_overwritten(ask: Ask, synced: World) -> None:
    assert save(ask, GATE, "0.6", "0.8").status_code == 200  # somebody else
    answer = save(ask, GATE, "0.7", "0.8")
    assert answer.status_code == 409
    told = problem(answer.text)
    assert all(text in told for text in ("0.6", "0.7", "0.8"))
    assert variable(GATE) == "0.6"
    assert 'name="before" value="0.6"' in answer.text
    assert 'name="text" value="0.7"' in answer.text
    # having seen both, the person may insist
    assert save(ask, GATE, "0.7", "0.6").status_code == 200
    assert variable(GATE) == "0.7"


def test_a_change_between_look_and_write_is_not_overwritten(
    ask: Ask, synced: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from label_loop.console import airflow_db

    replace = airflow_db.replace_variable

    def late(*args: Any, **how: Any) -> bool:
        synced.set_variable(GATE, "0.5")
        return replace(*args, **how)

    monkeypatch.setattr(airflow_db, "replace_variable", late)
    answer = save(ask, GATE, "0.7", "0.8")
    assert answer.status_code == 409
    assert variable(GATE) == "0.5"
    assert changes(ask, f"parameters/{GATE}/history", "set it in the console") == []


def test_a_newer_value_in_parameter_store_is_told_and_not_fought(ask: Ask, synced: World, sync: Any) -> None:
    synced.put_parameter(GATE, "0.95")
    answer = save(ask, GATE, "0.7", "0.8")
    assert answer.status_code == 409
    assert "Parameter Store has the newer value '0.95'" in problem(answer.text)
    assert variable(GATE) == "0.8"
    sync()
    assert save(ask, GATE, "0.7", "0.95").status_code == 200


def test_saving_what_is_there_writes_nothing(ask: Ask, synced: World) -> None:
    assert save(ask, GATE, "0.8", "0.8").status_code == 200
    assert changes(ask, f"parameters/{GATE}/history", "set it in the console") == []


def test_a_refused_variable_is_corrected_by_the_value_in_force(ask: Ask, synced: World) -> None:
    synced.set_variable(GATE, "0,8")
    assert save(ask, GATE, "0.8", "0.8").status_code == 200
    assert variable(GATE) == "0.8"


@pytest.mark.parametrize("name", ["For-System-Use-Only", "Parameter-Sync-State", "nonsense", "minimum-f1-score"])
def test_nothing_but_a_parameter_is_set(ask: Ask, synced: World, name: str) -> None:
    assert save(ask, name, "x", "").status_code == 404
    assert ask("op", "GET", f"parameters/{name}/history").status_code == 404


# --- who changed what when


@pytest.fixture(autouse=True)
def _no_earlier_changes(world: World) -> None:
    from airflow.models.log import Log
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    with create_session() as session:
        session.execute(delete(Log))


def plain(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", markup)).strip()


def changes(ask: Ask, path: str, what: str) -> list[list[str]]:
    """Return the cells of the rows that tell of ``what``, newest first."""
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", ask("op", "GET", path).text, re.DOTALL)
    cells = [[plain(cell) for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)] for row in rows]
    return [row for row in cells if any(cell.startswith(what) for cell in row)]


def test_the_history_tells_who_set_what_and_which_write_was_the_copy(ask: Ask, synced: World, sync: Any) -> None:
    save(ask, GATE, "0.9", "0.8")
    sync()
    synced.put_parameter(GATE, "0.7")
    ((_, who, _, before, after),) = changes(ask, f"parameters/{GATE}/history", "set it in the console")
    assert (who, before, after) == ("a-op", "0.8", "0.9")
    ((_, who, _, before, after),) = changes(ask, f"parameters/{GATE}/history", "copied the Variable")
    assert (who.split()[0], before, after) == ("parameter_sync", "0.8", "0.9")
    latest, *_ = changes(ask, f"parameters/{GATE}/history", "updated Parameter Store")
    assert (latest[-2], latest[-1]) == ("0.9", "0.7")
    of_all = changes(ask, "parameters/history", "set it in the console")
    assert [row[2] for row in of_all] == [GATE]
    assert changes(ask, "parameters/Human-Sampling-Interval/history", "set it in the console") == []


def test_airflows_own_entries_are_told_without_values(ask: Ask, synced: World) -> None:
    import json

    from airflow.models.log import Log
    from airflow.utils.session import create_session

    facts = {"key": LOOP.variable(GATE), "value": "***", "description": "<b>x</b>", "method": "PATCH"}
    other = facts | {"key": "elsewhere/" + GATE}
    with create_session() as session:
        session.add(Log("patch_variable", owner="<i>ann</i>", extra=json.dumps(facts)))
        session.add(Log("patch_variable", owner="bob", extra=json.dumps(other)))
        session.add(Log("patch_variable", owner="bob", extra="not JSON " + LOOP.variable(GATE)))
    page = ask("op", "GET", f"parameters/{GATE}/history").text
    assert "<i>ann" not in page
    ((_, who, _, _, after),) = changes(ask, f"parameters/{GATE}/history", "requested Airflow to change the Variable")
    assert (who, after) == ("<i>ann</i>", "not recorded")


def test_the_history_is_bounded(ask: Ask, synced: World) -> None:
    for n in range(60):
        synced.put_parameter("Human-Sampling-Interval", str(n + 1))
    page = ask("op", "GET", "parameters/Human-Sampling-Interval/history").text
    assert page.count("<tr") - 1 == 50


def test_what_airflow_knows_is_told_though_parameter_store_fails(ask: Ask, synced: World) -> None:
    save(ask, GATE, "0.9", "0.8")
    synced.fault("ssm", "GetParameterHistory", code="AccessDeniedException", status=400)
    page = ask("op", "GET", f"parameters/{GATE}/history").text
    assert "AccessDeniedException" in page
    assert "set it in the console" in page
