"""Batch prediction: `mmfmeta predict`, for files larger than memory, in any format of tables."""

from ..capabilities import Capability
from .command import predict
from .table_files import ChunkedTables

CAPABILITY = Capability(commands=(predict,), table_files=ChunkedTables())
