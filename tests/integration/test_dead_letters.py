"""What cannot be done is given up with its reason, holds up nothing, and can be sent again by one command."""

import pytest
from botocore.exceptions import ClientError
from tests.integration.pictures import FRESH_DIGITS
from tests.integration.world import World

from label_loop.cli import main
from label_loop.exceptions import UnfinishedWorkError
from label_loop.payloads import DEAD_LETTER_REASON, LABELLED_FOLDER, MAX_RECEIVES


def try_until_given_up(world: World) -> None:
    """Detect as often as the queue delivers a message that fails."""
    for _ in range(MAX_RECEIVES):
        with pytest.raises((UnfinishedWorkError, ClientError)):
            world.detect()
        world.come_again()


def reasons(world: World, purpose: str = "uploads") -> list[str]:
    url = world.record()[f"{purpose}_dead_letter_queue_url"]
    answer = world.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
    )
    return [message["MessageAttributes"][DEAD_LETTER_REASON]["StringValue"] for message in answer.get("Messages", [])]


def test_an_upload_that_fails_each_time_is_given_up_with_its_reason_and_can_be_sent_again(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.upload("refused.png", FRESH_DIGITS[1].body)
    world.fault("rekognition", "DetectCustomLabels", code="AccessDeniedException")
    try_until_given_up(world)
    assert world.waiting() == []
    assert reasons(world) == ["DetectCustomLabels: AccessDeniedException"]
    world.heal()

    assert main(["dead-letters", world.loop.path]) == 0
    shown = capsys.readouterr().out
    assert f"images_for_detection/refused.png: failed {MAX_RECEIVES} times" in shown
    assert "AccessDeniedException" in shown

    assert main(["dead-letters", world.loop.path, "--send-again"]) == 0
    assert world.detect().detected == 1
    assert world.dead_letters() == world.waiting() == []


def test_what_is_good_beside_it_is_done(world: World) -> None:
    world.upload("refused.png", FRESH_DIGITS[1].body)
    world.fault("rekognition", "DetectCustomLabels", code="AccessDeniedException", count=1)
    with pytest.raises(UnfinishedWorkError):
        world.detect()
    world.upload_digits(3)
    world.come_again()
    assert world.detect().detected == 4
    assert world.dead_letters() == world.waiting() == []


def test_a_table_that_refuses_is_the_reason_of_all_that_it_refuses(world: World) -> None:
    world.upload_digits(3)
    world.fault("dynamodb", "TransactWriteItems", code="AccessDeniedException")
    try_until_given_up(world)
    assert world.waiting() == []
    assert reasons(world) == ["TransactWriteItems: AccessDeniedException"] * 3


def test_an_image_that_nobody_may_copy_is_given_up_with_its_reason_and_its_answer_is_logged(unsure: World) -> None:
    unsure.upload("doubtful.png", FRESH_DIGITS[5].body)
    unsure.detect()
    unsure.answer("7")
    unsure.fault("s3", "CopyObject", code="AccessDenied", status=403)
    for _ in range(MAX_RECEIVES):
        with pytest.raises(UnfinishedWorkError):
            unsure.review()
        unsure.come_again("answers")
    assert reasons(unsure, "answers") == ["CopyObject: AccessDenied"]
    assert unsure.row()["HumanLabel"] == "7"
    assert unsure.waiting("answers") == []
    unsure.heal()
    assert main(["dead-letters", unsure.loop.path, "--send-again"]) == 0
    assert unsure.review().copied == 1
    assert unsure.keys(LABELLED_FOLDER) == [unsure.row()["CopiedS3ObjectKey"]]


def test_a_message_that_nobody_understands_is_given_up_at_once(world: World) -> None:
    world.send("no \x09 JSON")
    world.upload_digits(2)
    assert world.detect().detected == 2
    (reason,) = reasons(world)
    assert "not a JSON object" in reason
    assert world.waiting() == []


@pytest.mark.parametrize("room", [-10, 0, 24, 200])
def test_a_message_as_large_as_sqs_takes_is_given_up_and_holds_up_nothing(world: World, room: int) -> None:
    world.send("x" * (1024 * 1024 - len(f"{DEAD_LETTER_REASON}String") - room))
    world.upload_digits(1)
    assert world.detect().detected == 1
    (body,) = world.dead_letters()
    assert set(body) == {"x"}
    assert world.waiting() == []
