"""Descriptors: what values are, in one module for each kind of value."""

from .arrays import Array as Array
from .base import REQUIRED as REQUIRED
from .base import Descriptor as Descriptor
from .columns import Column as Column
from .date_scalars import Date as Date
from .date_scalars import Datetime as Datetime
from .files import File as File
from .images import ColorMode as ColorMode
from .images import Image as Image
from .images import Img as Img
from .json_values import Dict as Dict
from .json_values import JsonFile as JsonFile
from .lenient_cells import CellsRead as CellsRead
from .lenient_cells import cells_read as cells_read
from .lenient_cells import read_cells as read_cells
from .lists import List as List
from .model_columns import declared_columns as declared_columns
from .numbers import Float as Float
from .numbers import Integer as Integer
from .scalars import Bool as Bool
from .scalars import Scalar as Scalar
from .scalars import String as String
from .streams import Stream as Stream
from .tables import DataFrame as DataFrame
from .training import schema_of as schema_of
from .zones import NAIVE as NAIVE
