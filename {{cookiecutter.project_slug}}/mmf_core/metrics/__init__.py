"""Metrics: what every request is counted in, and `/metrics`, which tells it (Prometheus).

Each process counts in files of its own, in a folder that all processes of the service share, in
the format of prometheus_client's multiprocess mode. Whoever is asked adds all of them up.
"""

from .families import FAMILIES as FAMILIES
from .multiproc_dir import fold as fold
from .multiproc_dir import prepare as prepare
from .recorder import begin as begin
from .recorder import entered as entered
from .recorder import record as record
from .routes import blueprint as blueprint
from .user_metrics import withdrawn as withdrawn
