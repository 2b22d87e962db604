"""Compile mmf_core/grpc/protos, all of it, to the one file that a service reads at its start.

No module is generated: protobuf rejects modules written by another version of protoc, and
registers its messages in a pool that all packages of a process share.
"""

import sys
from pathlib import Path

from grpc_tools import protoc

FOLDER = Path(__file__).parents[1] / "{{cookiecutter.project_slug}}" / "mmf_core" / "grpc"
DESCRIPTORS = FOLDER / "descriptors.binpb"


def compile_to(file: Path) -> None:
    """Write the descriptors of all messages and services, and of what they import."""
    sources = sorted((FOLDER / "protos").glob("*.proto"))
    included = Path(protoc.__file__).parent / "_proto"
    status = protoc.main(
        [
            "protoc",
            f"--proto_path={FOLDER / 'protos'}",
            f"--proto_path={included}",
            "--include_imports",
            f"--descriptor_set_out={file}",
            *(source.name for source in sources),
        ]
    )
    if status:
        raise SystemExit(status)


if __name__ == "__main__":
    compile_to(DESCRIPTORS)
    sys.stdout.write(f"{DESCRIPTORS.name}: {DESCRIPTORS.stat().st_size} bytes\n")
