"""Reading a SageMaker Ground Truth manifest line by line, with AWS's codes for what is wrong in it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SOURCE_REF = re.compile(r"s3://([0-9A-Za-z._-]{3,255})/(.{1,1024})", re.DOTALL)
IMAGE_CLASSIFICATION = "groundtruth/image-classification"
MAX_LABEL_NAME_LENGTH = 256
MAX_LABELS_PER_IMAGE = 50
METADATA_KEYS = ("confidence", "class-name", "human-annotated", "creation-date", "type")

MESSAGES = {
    "ERROR_INVALID_JSON_LINE": "The format of the JSON line is invalid.",
    "ERROR_MISSING_SOURCE_REF": "The source-ref key is missing.",
    "ERROR_INVALID_SOURCE_REF_FORMAT": "The format of the source-ref value is invalid.",
    "ERROR_NO_LABEL_ATTRIBUTES": "No label attributes were found.",
    "ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT": "The label attribute's value is invalid.",
    "ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT": "The label attribute's metadata are missing or invalid.",
    "ERROR_INVALID_LABEL_NAME_LENGTH": "The length of the label name is invalid.",
    "ERROR_UNSUPPORTED_USE_CASE_TYPE": "Only groundtruth/image-classification is trained here.",
    "ERROR_NO_VALID_LABEL_ATTRIBUTES": "No valid label attribute was found.",
    "ERROR_TOO_MANY_LABELS_FOR_IMAGE": f"The image has more than {MAX_LABELS_PER_IMAGE} labels.",
    "ERROR_INVALID_IMAGE": "The image is invalid, or it cannot be read from S3.",
    "ERROR_INVALID_IMAGE_DIMENSION": "The image's dimensions are not within the allowed limits.",
}


@dataclass
class ManifestLine:
    """One line: where its image is, its labels, and the codes of what is wrong; valid without codes."""

    number: int  # from 1
    text: str
    content: dict[str, Any] = field(default_factory=dict)
    bucket: str = ""
    key: str = ""
    labels: tuple[str, ...] = ()
    codes: list[str] = field(default_factory=list)

    @property
    def source_ref(self) -> str:
        """The image's address."""
        return f"s3://{self.bucket}/{self.key}"


def read_lines(text: str) -> list[ManifestLine]:
    """Read a manifest; blank lines inside it count as invalid ones, as with AWS."""
    rows = text.split("\n")
    while rows and not rows[-1].strip():
        rows.pop()
    return [_read_line(number, row) for number, row in enumerate(rows, start=1)]


def image_address(row: str) -> tuple[str, str] | None:
    """Bucket and key of a line's image, None if it names none."""
    line = _read_line(0, row)
    return (line.bucket, line.key) if line.bucket else None


def _read_line(number: int, row: str) -> ManifestLine:
    line = ManifestLine(number, row)
    try:
        content = json.loads(row)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        line.codes.append("ERROR_INVALID_JSON_LINE")
        return line
    line.content = content
    _read_source_ref(line)
    _read_labels(line)
    return line


def _read_source_ref(line: ManifestLine) -> None:
    if "source-ref" not in line.content:
        line.codes.append("ERROR_MISSING_SOURCE_REF")
        return
    reference = line.content["source-ref"]
    match = SOURCE_REF.fullmatch(reference) if isinstance(reference, str) else None
    if match is None or any("\ud800" <= character <= "\udfff" for character in match[2]):  # no UTF-8, no key
        line.codes.append("ERROR_INVALID_SOURCE_REF_FORMAT")
        return
    line.bucket, line.key = match.groups()


def _read_labels(line: ManifestLine) -> None:
    attributes = [name for name in line.content if name != "source-ref" and not name.endswith("-metadata")]
    attributes = [name for name in attributes if f"{name}-metadata" in line.content] or attributes
    if not attributes:
        line.codes.append("ERROR_NO_LABEL_ATTRIBUTES")
        return
    labels: list[str] = []
    codes: list[str] = []
    for name in attributes:
        metadata = line.content.get(f"{name}-metadata")
        code = _attribute_error(line.content[name], metadata)
        if code:
            codes.append(code)
        elif isinstance(metadata, Mapping) and metadata["confidence"] > 0:  # 0 says that the label is absent
            labels.append(metadata["class-name"])
    line.labels = tuple(dict.fromkeys(labels))
    if not labels:
        line.codes += [*codes, "ERROR_NO_VALID_LABEL_ATTRIBUTES"]
    elif len(line.labels) > MAX_LABELS_PER_IMAGE:
        line.codes.append("ERROR_TOO_MANY_LABELS_FOR_IMAGE")


def _attribute_error(value: object, metadata: object) -> str | None:
    """Return the code of what is wrong with one label attribute and its metadata."""
    if isinstance(value, bool) or not isinstance(value, int):
        return "ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT"
    if not isinstance(metadata, Mapping) or any(key not in metadata for key in METADATA_KEYS):
        return "ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT"
    if metadata["type"] != IMAGE_CLASSIFICATION:
        return "ERROR_UNSUPPORTED_USE_CASE_TYPE"
    name, confidence = metadata["class-name"], metadata["confidence"]
    number = isinstance(confidence, int | float) and not isinstance(confidence, bool)
    if not isinstance(name, str) or not number or not 0 <= confidence <= 1:
        return "ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT"
    if not 1 <= len(name) <= MAX_LABEL_NAME_LENGTH:
        return "ERROR_INVALID_LABEL_NAME_LENGTH"
    return None
