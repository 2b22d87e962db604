"""Serve a target that accepts what the suite accepts: tables.py is made from it."""

from tables import TABLE

import mmf_core as mmf


@mmf.target(returns=mmf.DataFrame(format=mmf.CSV))
def price(trips=TABLE):
    """Return the price of each trip: a free half hour, then 10 cents a minute."""
    return (trips["minutes"] - 30).clip(lower=0) * 0.1
