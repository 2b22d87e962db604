"""Every hostile input, in the order of the table in docs/reliability.md."""

from hostile_batches import batches
from hostile_files import files
from hostile_inputs import inputs
from hostile_requests import requests
from hostile_results import results
from hostile_tasks import tasks
from hostile_texts import texts

INPUTS = [
    *inputs(),
    *files(),
    *results(),
    *texts(),
    *requests(),
    *batches(),
    *tasks(),
]  # tasks last: their processes stay
