"""Every hostile input, in the order of the table in docs/reliability.md."""

from hostile_files import files
from hostile_inputs import inputs
from hostile_results import results
from hostile_tasks import tasks

INPUTS = [*inputs(), *files(), *results(), *tasks()]  # tasks last: their processes stay
