import json

import pytest

from label_loop.provisioning import dead_letters

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
    queues.send_message(QueueUrl=values["answers_dead_letter_queue_url"], MessageBody="no \x07 JSON")
    return queues, values


def bodies(sqs, purpose):
    queues, values = sqs
    answer = queues.receive_message(QueueUrl=values[f"{purpose}_queue_url"], MaxNumberOfMessages=10)
    return [message["Body"] for message in answer.get("Messages", [])]


def test_each_is_shown_with_what_it_is_about_and_why(sqs, loop, capsys):
    assert dead_letters.main([loop.path]) == 0
    shown = capsys.readouterr().out
    assert "uploads  s3://b/images_for_detection/a b.png: failed often" in shown
    assert "answers  message" in shown
    assert "not a JSON object" in shown
    assert "\x07" not in shown
    assert "2 dead letter(s) found" in shown
    assert bodies(sqs, "uploads") == []
    assert dead_letters.main([loop.path]) == 0
    assert "2 dead letter(s) found" in capsys.readouterr().out  # shown ones are there to be sent again


def test_each_is_sent_again_once(sqs, loop, capsys):
    assert dead_letters.main([loop.path, "--send-again"]) == 0
    assert "2 dead letter(s) sent again." in capsys.readouterr().out
    assert [json.loads(body) for body in bodies(sqs, "uploads")] == [PICTURE]
    assert bodies(sqs, "answers") == ["no \x07 JSON"]
    assert dead_letters.main([loop.path]) == 0
    assert "There are no dead letters." in capsys.readouterr().out


def test_a_loop_that_is_not_set_up_has_none(aws, loop, capsys):
    assert dead_letters.main([loop.path]) == 0
    assert "There are no dead letters." in capsys.readouterr().out


def test_a_path_that_is_none_is_told(aws, capsys):
    assert dead_letters.main(["no path"]) == 1
    assert "parameter_paths" in capsys.readouterr().err
