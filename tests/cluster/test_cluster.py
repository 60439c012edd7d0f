"""docker-compose.yaml, run without an engine: the loop on Celery, PostgreSQL and Redis, and a lost worker."""

from tests.cluster.story import Course


def test_every_service_turns_healthy_by_its_own_check(course: Course):
    assert sorted(course.healthy) == [
        "api-server-1",
        "dag-processor-1",
        "local-aws-1",
        "scheduler-1",
        "scheduler-2",
        "triggerer-1",
        "triggerer-2",
        "worker-1",
        "worker-2",
    ]
    assert all(course.healthy.values())


def test_every_dag_is_parsed(course: Course):
    assert course.import_errors == []


def test_the_task_of_a_lost_worker_is_tried_again(course: Course):
    assert course.lost_worker.startswith("worker-")
    assert not course.lost_is_healthy
    assert course.tries_of_the_lost_task[0] in {"failed", "up_for_retry"}
    assert course.tries_of_the_lost_task[-1] == "success"


def test_each_upload_is_logged_exactly_once(course: Course):
    assert len(course.uploads) == 60
    assert sorted(row.key for row in course.rows) == course.uploads
    assert not [row for row in course.rows if row.failure]


def test_each_answer_is_applied_exactly_once(course: Course):
    reviewed = [row for row in course.rows if row.is_answered]
    assert reviewed
    assert [row.human_loop_name for row in course.rows if row.has_review and not row.is_answered] == []
    assert course.training_images == course.trained_at_first + len(reviewed)


def test_every_service_fails_its_own_check_when_it_is_dead(course: Course):
    assert sorted(course.healthy_when_dead) == sorted(course.healthy)
    assert not any(course.healthy_when_dead.values())
