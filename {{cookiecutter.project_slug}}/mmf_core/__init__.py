"""MMF's decorators and descriptors, served by Flask: `import mmf_core as mmf`.

Nothing heavy is imported here; `mmf_core.web` brings Flask, codecs bring pandas when first used.
"""

from .call_options import Batch as Batch
from .codecs import FileBytes as FileBytes
from .codecs import Format as Format
from .descriptors import Array as Array
from .descriptors import Bool as Bool
from .descriptors import ColorMode as ColorMode
from .descriptors import Column as Column
from .descriptors import DataFrame as DataFrame
from .descriptors import Date as Date
from .descriptors import Datetime as Datetime
from .descriptors import Dict as Dict
from .descriptors import File as File
from .descriptors import Float as Float
from .descriptors import Image as Image
from .descriptors import Img as Img
from .descriptors import Integer as Integer
from .descriptors import JsonFile as JsonFile
from .descriptors import List as List
from .descriptors import ModelFile as ModelFile
from .descriptors import Stream as Stream
from .descriptors import String as String
from .descriptors import TrainedModel as TrainedModel
from .descriptors import schema_of as schema_of
from .errors import DescriptorError as DescriptorError
from .errors import ErrorDetail as ErrorDetail
from .errors import InvalidValue as InvalidValue
from .errors import Unavailable as Unavailable
from .models import fast_path as fast_path
from .models import load_model as load_model
from .models import save_model as save_model
from .registry import Registry as Registry
from .registry import default as _default
from .reporting import cancelled as cancelled
from .reporting import progress as progress

__version__ = "0.2.0"

target = _default.target
artifact = _default.artifact

CSV = Format.CSV
JSON = Format.JSON
PARQUET = Format.PARQUET
PROTOBUF = Format.PROTOBUF
XLS = Format.XLS
XLSX = Format.XLSX
XML = Format.XML

# MMF has an enumeration for each kind of value; here `Format` stands for all of them.
DataFrameFormat = Format
ImageFormat = Format
