"""s3:// : Amazon S3 and compatible servers, through boto3.

Keys, region and endpoint come from where boto3 always looks: AWS_ACCESS_KEY_ID and the like,
profiles, single sign-on, the roles of machines and containers; AWS_ENDPOINT_URL_S3.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any, ClassVar

from ..errors import StoreError
from ..settings import Settings
from .base import Store
from .objects import UNKNOWN, Content, Version
from .over_http import HTTPStatusError, connection_error, start_and_size

CHUNK = 256 * 1024
"""Bytes lost at most when a connection breaks."""
WRONG_KEYS = "the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY were rejected"
OTHER_REGION = "the bucket is in another region; set AWS_REGION"
REASONS = {
    "InvalidAccessKeyId": WRONG_KEYS,
    "SignatureDoesNotMatch": WRONG_KEYS,
    "AccessDenied": "these keys lack the permission",
    "ExpiredToken": "the keys have expired",
    "NoSuchBucket": "no such bucket",
    "NoSuchKey": "no such key in the bucket",
    "NoSuchVersion": "no such version; mmfmeta versions lists them",
    "PermanentRedirect": OTHER_REGION,
    "AuthorizationHeaderMalformed": OTHER_REGION,
}


class S3Store(Store):
    """Objects as `s3://bucket/key`."""

    schemes = ("s3",)
    requires: ClassVar = {"boto3": "boto3"}

    def open(self, uri: str, start: int = 0, version: str = "") -> Content:
        request = _bucket_and_key(uri)
        if start:
            request["Range"] = f"bytes={start}-"
        if version:
            request["VersionId"] = version
        with _translate_errors(uri):
            response = client().get_object(**request)
        start, size = start_and_size(response.get("ContentRange"), response.get("ContentLength"))
        return Content(BufferedReader(_Body(response["Body"])), _version(response, size), start)

    def upload(self, path: Path, uri: str, metadata: Mapping[str, str]) -> Version:
        from boto3.exceptions import S3UploadFailedError

        responses: list[dict[str, Any]] = []

        def keep(parsed: dict[str, Any], **_: Any) -> None:
            responses.append(parsed)

        location = _bucket_and_key(uri)
        with _translate_errors(uri), closing(client()) as s3:
            # upload_file does not return the version that it creates.
            for operation in ("PutObject", "CompleteMultipartUpload"):
                s3.meta.events.register(f"after-call.s3.{operation}", keep)
            try:
                s3.upload_file(str(path), **location, ExtraArgs={"Metadata": dict(metadata)})
            except S3UploadFailedError as error:
                raise error.__context__ or error from None
        return _version(responses[-1], path.stat().st_size)

    def delete(self, uri: str) -> None:
        location = _bucket_and_key(uri)
        with _translate_errors(uri), closing(client()) as s3:
            s3.delete_object(**location)

    def versions(self, uri: str) -> list[Version]:
        location = _bucket_and_key(uri)
        with _translate_errors(uri), closing(client()) as s3:
            pages = s3.get_paginator("list_object_versions").paginate(
                Bucket=location["Bucket"], Prefix=location["Key"]
            )
            versions = [
                _version(item, item["Size"])
                for page in pages
                for item in page.get("Versions", [])
                if item["Key"] == location["Key"]
            ]
        if not versions:
            raise StoreError(f"{uri}: {REASONS['NoSuchKey']}")
        return sorted(versions, key=lambda version: version.modified, reverse=True)


STORE = S3Store()


def client() -> Any:
    """Return an S3 client whose timeouts are seconds, since a start-up waits for it."""
    from boto3.session import Session
    from botocore.config import Config

    seconds = Settings.from_env().store_timeout
    config = Config(
        connect_timeout=seconds,
        read_timeout=seconds,
        retries={"total_max_attempts": 2, "mode": "standard"},
        # Servers other than Amazon's do not know the checksums that boto3 has sent since 2025.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    # AWS's own programs read AWS_REGION; boto3 alone reads AWS_DEFAULT_REGION only.
    return Session(region_name=os.environ.get("AWS_REGION")).client("s3", config=config)


class _Body(RawIOBase):
    """An object's bytes; errors of boto3 become those of files."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        from urllib3.exceptions import HTTPError, ReadTimeoutError

        try:
            # What has arrived: botocore's own read() waits for all of it, however slowly it comes.
            raw = self._body._raw_stream  # noqa: SLF001
            chunk = raw.read1(min(len(buffer), CHUNK)) or b""
        except ReadTimeoutError as error:
            raise TimeoutError from error
        except HTTPError as error:
            raise ConnectionError(str(error)) from error
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self._body.close()
        super().close()


@contextmanager
def _translate_errors(uri: str) -> Iterator[None]:
    """Raise StoreError, with a plain message, for an error of boto3."""
    from botocore import exceptions as botocore
    from urllib3.exceptions import HTTPError

    try:
        yield
    except RecursionError as error:  # boto3 repeats the request without a limit
        raise StoreError(f"{uri}: redirected too many times") from error
    except HTTPError as error:  # while it reads an error's text
        raise connection_error(uri, error) from error
    except botocore.ClientError as error:
        code = error.response["Error"]["Code"]
        reason = REASONS.get(code) or error.response["Error"].get("Message", "")
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        raise HTTPStatusError(uri, status, f"{code}: {reason}") from error
    except (botocore.NoCredentialsError, botocore.PartialCredentialsError) as error:
        raise StoreError(
            "s3:// needs keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (no profile or "
            "role was found)"
        ) from error
    except (botocore.ConnectTimeoutError, botocore.ReadTimeoutError) as error:
        raise connection_error(uri, TimeoutError()) from error
    except (botocore.ConnectionError, botocore.HTTPClientError) as error:
        raise connection_error(uri, error.kwargs.get("error") or error) from error
    except (botocore.BotoCoreError, ValueError) as error:  # such as a missing profile
        raise StoreError(f"{uri}: {error}") from error


def _bucket_and_key(uri: str) -> dict[str, Any]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not bucket or not key:
        raise StoreError(f"{uri}: expected s3://bucket/key")
    return {"Bucket": bucket, "Key": key}


def _version(fields: Mapping[str, Any], size: int = UNKNOWN) -> Version:
    metadata = fields.get("Metadata", {})
    modified = fields.get("LastModified")
    return Version(
        id=fields.get("VersionId", ""),
        size=size,
        sha256=metadata.get("sha256", ""),
        etag=fields.get("ETag", ""),
        modified=modified.isoformat() if modified else "",
        metadata=metadata,
    )
