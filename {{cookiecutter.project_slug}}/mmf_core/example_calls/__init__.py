"""Calls of targets with their examples, which find failures before clients do."""

from .calls import CallResult as CallResult
from .calls import CallStatus as CallStatus
from .calls import DescribedError as DescribedError
from .calls import Failure as Failure
from .calls import call as call
from .forks import Fork as Fork
from .forks import call_in_forks as call_in_forks
from .model_schema import use_model_schemas as use_model_schemas
from .regressions import call_on_example as call_on_example
from .regressions import failed_example as failed_example
from .warmup import warm_up as warm_up
