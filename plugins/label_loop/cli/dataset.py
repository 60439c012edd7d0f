"""``dataset``: lists the datasets of a loop's versions, and shows, prints or downloads one of them."""

import json
import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from label_loop.cli.command import DRY_RUN, Command
from label_loop.cli.output import Output, write_line
from label_loop.domain.dataset_file import LeftOut, Removed
from label_loop.domain.dataset_version import DatasetImage
from label_loop.exceptions import shown
from label_loop.provisioning.dataset_versions import DatasetVersions, ListedVersion, in_words
from label_loop.provisioning.report import ProvisioningError
from label_loop.provisioning.site import Site

_LATEST = "latest"
_FAILED = 1


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("version", nargs="?", type=_version, help="v7, or latest; default: list all versions")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--out", type=Path, help="a folder to download its images to, as FOLDER/ROLE/LABEL/IMAGE")
    what.add_argument(
        "--manifest",
        choices=("training", "test"),
        help="print the Ground Truth manifest of the images that train or test",
    )


def _version(text: str) -> int | str:
    found = re.fullmatch(r"v?([1-9][0-9]{0,8})", text)
    if text != _LATEST and not found:
        raise ArgumentTypeError(f"{shown(text)} is neither a version, such as v7, nor latest")
    return int(found[1]) if found else _LATEST


def _run(given: Namespace, site: Site, output: Output) -> int:
    datasets = DatasetVersions(site)
    if given.version is None:
        return _list(site, output, datasets)
    number = _latest(datasets) if given.version == _LATEST else given.version
    if given.manifest:
        return _print_manifest(given, site, output, datasets.manifest(number, tests=given.manifest == "test"))
    if given.out:
        return _download(given, site, output, datasets, number)
    return _show(site, output, datasets, number)


def _latest(datasets: DatasetVersions) -> int:
    numbers = datasets.numbers()
    if not numbers:
        problem = "it has no dataset yet"
        raise ProvisioningError("bucket", datasets.bucket, problem, "train a version first; earlier ones have none")
    return numbers[0]


def _list(site: Site, output: Output, datasets: DatasetVersions) -> int:
    found = []
    for version in datasets.listed():
        output.line(str(version))
        found.append(version.to_json())
    words = f"{len(found)} version(s) with a dataset." if found else "No version has a dataset yet."
    output.end(site, words, versions=found)
    return 0


def _show(site: Site, output: Output, datasets: DatasetVersions, number: int) -> int:
    """Show what a dataset is as a whole, and in which images it differs from the one before."""
    reader = datasets.reader(number)
    version = ListedVersion(reader.header(), datasets.model(number))
    output.line(str(version))
    output.line(f"{'version':<13} {version.header.version}\n{'digest':<13} {version.header.digest}")
    changes = []
    for what, key, note in filter(None, map(_change, reader.entries())):
        output.line(f"{what:<13} {key}: {note}")
        changes.append({"what": what, "key": key, "note": note})
    output.end(site, f"{in_words(version.header)}.", dataset=version.to_json(), changes=changes)
    return 0


def _change(entry: DatasetImage | Removed | LeftOut) -> tuple[str, str, str] | None:
    """Return what happened to an image, its key and a note; None if nothing did."""
    if isinstance(entry, LeftOut):
        return "left out", entry.key, entry.reason
    if isinstance(entry, Removed):
        return "removed", entry.image.key, f"{entry.image.label} ({entry.image.role})"
    if entry.change is None:
        return None
    before = "" if entry.label_before is None else f", before: {entry.label_before}"
    return str(entry.change), entry.key, f"{entry.label} ({entry.role}){before}"


def _print_manifest(given: Namespace, site: Site, output: Output, entries: Iterator[dict[str, Any]]) -> int:
    if given.json:
        output.end(site, "", manifest=list(entries))
        return 0
    for entry in entries:
        write_line(json.dumps(entry, separators=(",", ":")))  # in ASCII: keys cannot control the terminal
    return 0


def _download(given: Namespace, site: Site, output: Output, datasets: DatasetVersions, number: int) -> int:
    if given.dry_run:
        output.end(site, f"{in_words(datasets.reader(number).header())}. {DRY_RUN}")
        return 0
    counts, missing = Counter[bool](), []
    try:
        for one in datasets.download(number, given.out):
            if one.problem:
                output.line(f"{'missing':<13} {one.image.key}: {one.problem}")
                missing.append({"key": one.image.key, "version_id": one.image.version_id, "problem": one.problem})
            else:
                counts[one.is_new] += 1
    except OSError as error:  # of the folder: those of the network are botocore's
        remedy = "make room or choose another folder; repeated, the command goes on where it stopped"
        raise ProvisioningError("folder", str(given.out), str(error), remedy) from error
    words = (
        f"v{number} in {given.out}: {counts[True]} downloaded, {counts[False]} already there, {len(missing)} missing."
    )
    output.end(site, words, downloaded=counts[True], already_there=counts[False], missing=missing)
    return _FAILED if missing else 0


DATASET = Command(
    "dataset",
    "list the datasets of a loop's versions, show what is in one and what changed, or download its exact images",
    "dataset /logos v7 --out v7",
    _add_arguments,
    _run,
)
