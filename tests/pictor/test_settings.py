"""What an operator sees who sets something wrong: one line with the variable's name."""

import os
import subprocess
import sys

import pytest


def start(**environment) -> subprocess.CompletedProcess:
    changed = {name: value for name, value in (os.environ | environment).items() if value is not None}
    return subprocess.run([sys.executable, "-c", "import pictor.settings"], env=changed, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SECRET_KEY", None),
        ("SECRET_KEY", "short"),
        ("DATABASE_URL", None),
        ("DATABASE_URL", "sqlite:///db"),
        ("REDIS_URL", None),
        ("DEBUG", "maybe"),
        ("FILE_URL_SECONDS", "ten"),
        ("FILE_URL_SECONDS", "0"),
        ("TRUSTED_PROXY_COUNT", "-1"),
        ("PICTOR_ENV", "live"),
        ("FILE_STORE", "tape"),
    ],
)
def test_a_wrong_value_stops_the_start_with_its_name(variable, value):
    done = start(**{variable: value})
    assert done.returncode != 0
    assert variable in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_what_the_tests_use_starts():
    assert start().returncode == 0


BUCKET = {"FILE_STORE": "s3", "S3_BUCKET": "frames"}


@pytest.mark.parametrize(
    ("variable", "set_wrong"),
    [
        ("S3_BUCKET", {"S3_BUCKET": None}),
        ("S3_ENDPOINT_URL", {"S3_ENDPOINT_URL": "minio:9000"}),
        ("S3_SECRET_ACCESS_KEY", {"S3_ACCESS_KEY_ID": "half a pair"}),
        ("S3_ACCESS_KEY_ID", {"S3_SECRET_ACCESS_KEY": "half a pair"}),
    ],
)
def test_a_bucket_that_is_described_in_part_stops_the_start_with_the_name_that_is_missing(variable, set_wrong):
    done = start(**BUCKET | set_wrong)
    assert done.returncode != 0
    assert variable in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_bucket_that_is_described_starts():
    assert start(**BUCKET).returncode == 0
