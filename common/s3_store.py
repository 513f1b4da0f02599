"""The file store in an S3-compatible bucket: streams both ways, and fails as a folder does, with an OSError.

Objects are private: no ACL is sent, no address of one is given out; nodes and browsers fetch them from the server. A key is
written once or replaced, never renamed.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files import File
from smart_open import s3
from storages.backends.s3 import S3Storage
from storages.utils import clean_name

CONNECT_SECONDS = 5
READ_SECONDS = 60
ATTEMPTS_MAX = 4
PART_BYTES = 16 * 1024**2  # of a larger file, sent one after the other: what one save holds in memory


class S3Store(S3Storage):
    """S3Storage that reads in ranges instead of fetching a whole object first."""

    def __init__(self, **options):
        transfer = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, use_threads=False)
        client = client_config(path_style=bool(options.get("endpoint_url")))
        super().__init__(client_config=client, transfer_config=transfer, **options)

    def _open(self, name, mode="rb"):
        if mode != "rb":
            raise ValueError("A stored file is read, or saved whole.")
        key = self._normalize_name(clean_name(name))
        self.size(name)  # a missing file is told here and not at the first read
        return File(s3.open(self.bucket_name, key, mode, defer_seek=True, client=self.connection.meta.client), name)

    def _save(self, name, content):
        with as_os_error():
            return super()._save(name, content)

    def delete(self, name):
        with as_os_error():
            super().delete(name)

    def exists(self, name):
        with as_os_error():
            return super().exists(name)

    def size(self, name):
        with as_os_error():
            return super().size(name)

    def listdir(self, name):
        with as_os_error():
            return super().listdir(name)

    def get_modified_time(self, name):
        self.size(name)  # a missing file is told as such
        with as_os_error():
            return super().get_modified_time(name)


def client_config(*, path_style: bool) -> Config:
    """`path_style`: bucket in the path, as servers other than Amazon's want it, which may not know its newest checksums."""
    return Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS_MAX},
        s3={"addressing_style": "path" if path_style else "virtual"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


@contextmanager
def as_os_error() -> Iterator[None]:
    """What the callers of a store know how to handle."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise OSError(f"The file store failed: {error}") from error
