"""s3:// : Amazon S3 and every server of its kind, by boto3.

Keys, region and endpoint are found as boto3 finds them everywhere: AWS_ACCESS_KEY_ID and the like,
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
from .base import UNKNOWN, Content, Store, Version
from .over_http import Refused, connection_error, start_and_size

CHUNK = 256 * 1024
"""Bytes that are lost at most where a connection breaks."""
WRONG_KEYS = "the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not taken"
OTHER_REGION = "the bucket is in another region; set AWS_REGION"
REASONS = {
    "InvalidAccessKeyId": WRONG_KEYS,
    "SignatureDoesNotMatch": WRONG_KEYS,
    "AccessDenied": "these keys may not do that",
    "ExpiredToken": "the keys have expired",
    "NoSuchBucket": "there is no such bucket",
    "NoSuchKey": "it is not in the bucket",
    "NoSuchVersion": "there is no such version; mmfmeta versions lists those there are",
    "PermanentRedirect": OTHER_REGION,
    "AuthorizationHeaderMalformed": OTHER_REGION,
}


class S3Store(Store):
    """Objects as `s3://bucket/key`."""

    schemes = ("s3",)
    requires: ClassVar = {"boto3": "boto3"}

    def open(self, uri: str, start: int = 0, version: str = "") -> Content:
        what = _bucket_and_key(uri)
        if start:
            what["Range"] = f"bytes={start}-"
        if version:
            what["VersionId"] = version
        with _errors_of(uri):
            answer = client().get_object(**what)
        start, size = start_and_size(answer.get("ContentRange"), answer.get("ContentLength"))
        return Content(BufferedReader(_Body(uri, answer["Body"])), _version(answer, size), start)

    def upload(self, path: Path, uri: str, metadata: Mapping[str, str]) -> Version:
        from boto3.exceptions import S3UploadFailedError

        answers: list[dict[str, Any]] = []

        def keep(parsed: dict[str, Any], **_: Any) -> None:
            answers.append(parsed)

        what = _bucket_and_key(uri)
        with _errors_of(uri), closing(client()) as s3:
            # upload_file does not return the version that it makes.
            for last in ("PutObject", "CompleteMultipartUpload"):
                s3.meta.events.register(f"after-call.s3.{last}", keep)
            try:
                s3.upload_file(str(path), **what, ExtraArgs={"Metadata": dict(metadata)})
            except S3UploadFailedError as error:
                raise error.__context__ or error from None
        return _version(answers[-1], path.stat().st_size)

    def versions(self, uri: str) -> list[Version]:
        what = _bucket_and_key(uri)
        with _errors_of(uri), closing(client()) as s3:
            pages = s3.get_paginator("list_object_versions").paginate(
                Bucket=what["Bucket"], Prefix=what["Key"]
            )
            found = [
                _version(one, one["Size"])
                for page in pages
                for one in page.get("Versions", [])
                if one["Key"] == what["Key"]
            ]
        if not found:
            raise StoreError(f"{uri}: {REASONS['NoSuchKey']}")
        return sorted(found, key=lambda one: one.modified, reverse=True)


def client() -> Any:
    """Return a client of S3, with limits of time: whoever waits for an artifact has seconds."""
    from boto3.session import Session
    from botocore.config import Config

    seconds = Settings.from_env().store_timeout
    config = Config(
        connect_timeout=seconds,
        read_timeout=seconds,
        retries={"total_max_attempts": 2, "mode": "standard"},
        # Other servers than Amazon's do not know the checksums that boto3 has sent since 2025.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    # AWS's own programs read AWS_REGION; boto3 alone reads AWS_DEFAULT_REGION only.
    return Session(region_name=os.environ.get("AWS_REGION")).client("s3", config=config)


class _Body(RawIOBase):
    """An object's bytes, and the errors of files where there are none."""

    def __init__(self, uri: str, body: Any) -> None:
        self._uri = uri
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        from botocore.exceptions import BotoCoreError, ReadTimeoutError

        try:
            chunk = self._body.read(min(len(buffer), CHUNK))
        except ReadTimeoutError as error:
            raise TimeoutError from error
        except BotoCoreError as error:
            raise ConnectionError(str(error)) from error
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self._body.close()
        super().close()


@contextmanager
def _errors_of(uri: str) -> Iterator[None]:
    """Say in our words what boto3 raises."""
    from botocore import exceptions as botocore

    try:
        yield
    except botocore.ClientError as error:
        code = error.response["Error"]["Code"]
        reason = REASONS.get(code) or error.response["Error"].get("Message", "")
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        raise Refused(uri, status, f"{code}: {reason}") from error
    except (botocore.NoCredentialsError, botocore.PartialCredentialsError) as error:
        raise StoreError(
            "s3:// needs keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; there is no "
            "profile and no role either"
        ) from error
    except (botocore.ConnectTimeoutError, botocore.ReadTimeoutError) as error:
        raise connection_error(uri, TimeoutError()) from error
    except (botocore.ConnectionError, botocore.HTTPClientError) as error:
        raise connection_error(uri, error.kwargs.get("error") or error) from error
    except (botocore.BotoCoreError, ValueError) as error:  # such as a profile that is not there
        raise StoreError(f"{uri}: {error}") from error


def _bucket_and_key(uri: str) -> dict[str, Any]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not bucket or not key:
        raise StoreError(f"{uri}: give s3://bucket/key")
    return {"Bucket": bucket, "Key": key}


def _version(answer: Mapping[str, Any], size: int = UNKNOWN) -> Version:
    metadata = answer.get("Metadata", {})
    modified = answer.get("LastModified")
    return Version(
        id=answer.get("VersionId", ""),
        size=size,
        sha256=metadata.get("sha256", ""),
        tag=answer.get("ETag", ""),
        modified=modified.isoformat() if modified else "",
        metadata=metadata,
    )
