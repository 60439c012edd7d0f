"""The copies of answered images in the folders of labels, from which they train or test."""

from botocore.exceptions import ClientError

from label_loop.domain.folders import copy_key
from label_loop.domain.images import image_suffix, is_image_key
from label_loop.domain.labelling import to_metadata
from label_loop.domain.log_row import Copy, LogRow
from label_loop.exceptions import ForeignObjectError
from label_loop.hooks.objects import LoopObjects
from label_loop.payloads import UPLOADS_FOLDER, Labelling, S3Upload


class TrainingCopies:
    """Copies the images of answered rows. The key of a copy depends only on the row, so that a repeated copy is one."""

    def __init__(self, objects: LoopObjects) -> None:
        self.objects = objects

    def copied(self, row: LogRow, folder: str, labelling: Labelling) -> Copy:
        """Copy the image of a row to a folder, under its human label, with who gave it.

        If the image cannot be copied for good, that is the outcome; botocore's other errors are raised.
        """
        source = S3Upload(row.bucket, row.key, row.etag, row.version_id)
        try:
            return Copy(self._copy(row, source, folder, labelling))
        except ForeignObjectError as error:
            return Copy(failure=str(error))
        except ClientError as error:
            problem = self.objects.problem(source, UPLOADS_FOLDER, error)
            if problem is None:
                raise
        # A process that was killed before it could record its copy may have made one.
        made = next(self.objects.named(_key(row, folder, "")), None)
        return Copy(made) if made else Copy(failure=f"the image {problem}")

    def _copy(self, row: LogRow, source: S3Upload, folder: str, labelling: Labelling) -> str:
        head = b"" if is_image_key(row.key) else self.objects.read(source, UPLOADS_FOLDER, 8)
        target = _key(row, folder, image_suffix(row.key, head))
        self.objects.copy(source, UPLOADS_FOLDER, target, to_metadata(labelling, str(row.human_label)))
        return target


def _key(row: LogRow, folder: str, suffix: str) -> str:
    return copy_key(folder, str(row.human_label), row.detection_id, row.key, suffix)
