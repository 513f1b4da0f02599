"""Which file store the environment chooses, as an entry of Django's STORAGES."""

from pathlib import Path

from pictor import env


def file_store(folder: Path) -> dict:
    """FILE_STORE: files below `folder`, or the bucket of the S3_ variables."""
    if env.choice("FILE_STORE", "folder", ("folder", "s3")) == "folder":
        return {
            "BACKEND": "common.folder_store.FolderStore",
            "OPTIONS": {"location": folder, "file_permissions_mode": 0o600, "directory_permissions_mode": 0o700},
        }
    return {"BACKEND": "common.s3_store.S3Store", "OPTIONS": bucket()}


def bucket() -> dict:
    """Without keys boto3 looks where it always does: its own variables, its files, the machine's role."""
    access_key, secret_key = env.together("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY")
    return {
        "bucket_name": env.text("S3_BUCKET"),
        "endpoint_url": env.address("S3_ENDPOINT_URL", ""),
        "region_name": env.text("S3_REGION", "us-east-1"),
        "access_key": access_key,
        "secret_key": secret_key,
        "location": env.text("S3_PREFIX", "").strip("/"),
    }
