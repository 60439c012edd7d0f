import json

import pytest

from label_loop.cli import main
from label_loop.system_record import SYSTEM_RECORD

PICTURE = {
    "Records": [
        {
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "b"}, "object": {"key": "images_for_detection/a+b.png", "eTag": "e"}},
        }
    ]
}


@pytest.fixture
def sqs(run, client):
    """Give the queues of a loop that is set up, with a dead letter that can be read and one that cannot."""
    values, _ = run(labels=("cat", "dog"))
    queues = client("sqs")
    for url in (values["uploads_queue_url"], values["answers_queue_url"]):
        queues.purge_queue(QueueUrl=url)  # S3's test messages
    queues.send_message(QueueUrl=values["uploads_dead_letter_queue_url"], MessageBody=json.dumps(PICTURE))
    queues.send_message(QueueUrl=values["answers_dead_letter_queue_url"], MessageBody="no \x9b JSON")
    return queues, values


def bodies(sqs, purpose):
    queues, values = sqs
    answer = queues.receive_message(QueueUrl=values[f"{purpose}_queue_url"], MaxNumberOfMessages=10)
    return [message["Body"] for message in answer.get("Messages", [])]


def test_each_is_shown_with_what_it_is_about_and_why(sqs, loop, capsys):
    assert main(["dead-letters", loop.path]) == 0
    shown = capsys.readouterr().out
    assert "s3://b/images_for_detection/a b.png: failed repeatedly; see" in shown
    assert "not a JSON object" in shown
    assert "\x9b" not in shown
    assert "2 dead letter(s) found" in shown
    assert bodies(sqs, "uploads") == []
    assert main(["dead-letters", loop.path]) == 0
    assert "2 dead letter(s) found" in capsys.readouterr().out  # shown ones are there to be sent again


def test_each_is_sent_again_once(sqs, loop, capsys):
    assert main(["dead-letters", loop.path, "--send-again"]) == 0
    assert "2 dead letter(s) sent again." in capsys.readouterr().out
    assert [json.loads(body) for body in bodies(sqs, "uploads")] == [PICTURE]
    assert bodies(sqs, "answers") == ["no \x9b JSON"]
    assert main(["dead-letters", loop.path]) == 0
    assert "There are no dead letters." in capsys.readouterr().out


def ids(loop, capsys):
    """Return the ids of the dead letters by their queue, as the command tells a program."""
    assert main(["dead-letters", loop.path, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    return {letter["queue"]: letter["message_id"] for letter in told["dead_letters"]}


def test_a_single_one_is_picked_and_the_others_stay(sqs, loop, capsys):
    known = ids(loop, capsys)
    assert main(["dead-letters", loop.path, "--discard", "--message", known["answers"]]) == 0
    assert "1 dead letter(s) discarded." in capsys.readouterr().out
    assert ids(loop, capsys) == {"uploads": known["uploads"]}
    assert bodies(sqs, "answers") == []


def test_one_that_is_not_there_is_an_error_and_touches_nothing(sqs, loop, capsys):
    known = ids(loop, capsys)
    assert main(["dead-letters", loop.path, "--discard", "--message", "no-such"]) == 1
    assert f"no-such: {loop.path} has no such message" in capsys.readouterr().err
    assert ids(loop, capsys) == known


@pytest.mark.parametrize("action", ["--send-again", "--discard"])
def test_a_dry_run_leaves_them_all(sqs, loop, capsys, action):
    known = ids(loop, capsys)
    assert main(["dead-letters", loop.path, action, "--dry-run"]) == 0
    assert "2 dead letter(s) found. This was a dry run: nothing was changed." in capsys.readouterr().out
    assert ids(loop, capsys) == known
    assert bodies(sqs, "uploads") == []


def failed_object(name, tries):
    return {"M": {"id": {"S": name}, "tries": {"N": str(tries)}, "text": {"S": f"{name}: no \x9b answer"}}}


@pytest.mark.parametrize("is_in_record", [False, True])
def test_what_listings_put_aside_is_shown_too(sqs, loop, capsys, client, is_in_record):
    values = sqs[1]
    found = {"L": [failed_object("images_for_detection/a.png", 5), failed_object("tried/again.png", 4)]}
    if is_in_record:  # of a loop without a state table
        plain = [{"id": "a", "tries": 5, "text": ""}]
        record = {key: value for key, value in values.items() if key != "state_table"}
        client("ssm").put_parameter(
            Name=loop.parameter(SYSTEM_RECORD),
            Value=json.dumps({**record, "failed_objects": plain}),
            Overwrite=True,
        )
    else:
        client("dynamodb").put_item(
            TableName=values["state_table"], Item={"Loop": {"S": loop.path}, "failed_objects": found}
        )
    assert main(["dead-letters", loop.path]) == 0
    shown = capsys.readouterr().out
    words = "object a: its key" if is_in_record else "images_for_detection/a.png: no"
    assert f"aside    {words}" in shown
    assert "\x9b" not in shown
    assert "tried/again.png" not in shown
    assert "2 dead letter(s) found" in shown
    assert "1 object(s) were put aside; to try one again" in shown
    assert main(["dead-letters", loop.path, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["put_aside"]
    assert told.startswith(words)
    assert main(["dead-letters", loop.path, "--discard"]) == 0
    assert "put aside" not in capsys.readouterr().out
