"""An S3 server of this test process, on a socket."""

import boto3
import pytest
from moto.server import ThreadedMotoServer

BUCKET = "pictor"
KEYS = {"access_key": "tests", "secret_key": "tests-only"}


@pytest.fixture(scope="session")
def s3_server():
    """Its address; the bucket is there, and empty at the start."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    client = boto3.client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id=KEYS["access_key"],
        aws_secret_access_key=KEYS["secret_key"],
    )
    client.create_bucket(Bucket=BUCKET)
    yield address
    server.stop()


def options(address: str, *, location: str = "") -> dict:
    """As pictor.stores says them."""
    return {"bucket_name": BUCKET, "endpoint_url": address, "region_name": "us-east-1", "location": location, **KEYS}
