"""How good the local model gets on pictures as people have them, before and after people label what it doubts."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.figures import Figure
from bench.logos import MARKS, logo
from local_aws.rekognition import model, trainer
from local_aws.rekognition.workfolder import Job, WorkFolder

_BUCKET = "pictures"
_DOUBT = 0.7  # below it, a detection goes to review: the default of the loop
type Labelled = tuple[str, bytes]  # label, file


def measure(seeds: Sequence[int], labelled: int, testing: int, uploads: int) -> list[Figure]:
    """Return the F1 scores of the first and the second model, the worst of the seeds; counts are for each mark."""
    scores = [_two_models(seed, labelled, testing, uploads) for seed in seeds]
    first, second = (min(column) for column in zip(*scores, strict=True))
    name = f"{len(MARKS)} logos anywhere in their pictures, worst of {len(seeds)}: F1 of the"
    shown = ", ".join(f"{one:.3f} then {two:.3f}" for one, two in scores)
    return [
        Figure(f"{name} first model, {labelled * len(MARKS)} images", first, at_least=0.8, digits=3, note=shown),
        Figure(f"{name} second, with what it doubted of {uploads * len(MARKS)}", second, at_least=0.9, digits=3),
        Figure("F1 that the second model gains, worst", min(two - one for one, two in scores), at_least=0, digits=3),
    ]


def _two_models(seed: int, labelled: int, testing: int, uploads: int) -> tuple[float, float]:
    known, tested, uploaded = (
        [(label, logo(label, seed * 1000 + number)) for label in MARKS for number in range(begin, begin + count)]
        for begin, count in ((0, labelled), (labelled, testing), (labelled + testing, uploads))
    )
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        before = _train(WorkFolder(Path(first) / "training"), known, tested)
        judge = model.load(WorkFolder(Path(first) / "training").model).judge
        doubted = [picture for picture in uploaded if judge(picture[1]).max() < _DOUBT]
        return before, _train(WorkFolder(Path(second) / "training"), [*known, *doubted], tested)


def _train(folder: WorkFolder, training: Sequence[Labelled], testing: Sequence[Labelled]) -> float:
    folder.create()
    folder.write_job(Job("logos", "v1", "arn"))
    for file, part in ((folder.training_manifest, training), (folder.testing_manifest, testing)):
        rows = []
        for number, (label, body) in enumerate(part):
            key = f"{file.stem}/{number}.jpg"
            folder.image(_BUCKET, key).write_bytes(body)
            rows.append(_line(key, label))
        file.write_text("\n".join(rows), "utf-8")
    result = trainer.train(folder)
    if result.f1_score is None:
        raise RuntimeError(result.message)
    return result.f1_score


def _line(key: str, label: str) -> str:
    metadata = {
        "confidence": 1,
        "class-name": label,
        "human-annotated": "yes",
        "creation-date": "2026-11-23T09:00:00.000000",
        "type": "groundtruth/image-classification",
    }
    return json.dumps({"source-ref": f"s3://{_BUCKET}/{key}", "kind": 0, "kind-metadata": metadata})
