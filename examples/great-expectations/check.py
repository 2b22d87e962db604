"""Check a table with Great Expectations, where tables are collected: `python check.py trips.csv`.

Writes the suite, gx/expectations/trips.json, and the data docs; prints the rejected rows of each
expectation, and ends with 1 if there are any.
"""

import json
import sys

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd

EXPECTATIONS = [
    gxe.ExpectTableRowCountToBeBetween(min_value=2, max_value=10_000),
    gxe.ExpectColumnValuesToBeOfType(column="trip_id", type_="int64"),
    gxe.ExpectColumnValuesToNotBeNull(column="trip_id"),
    gxe.ExpectColumnValuesToBeUnique(column="trip_id"),
    gxe.ExpectColumnValuesToBeInSet(column="subscriber", value_set=["Annual", "Walk Up"]),
    gxe.ExpectColumnValuesToNotBeNull(column="minutes"),
    gxe.ExpectColumnValuesToBeBetween(
        column="minutes", min_value=0, max_value=1440, strict_min=True
    ),
    gxe.ExpectColumnValuesToBeOfType(column="day", type_="int64"),
    gxe.ExpectColumnValuesToNotBeNull(column="day"),
    gxe.ExpectColumnValuesToBeIncreasing(column="day"),
]

context = gx.get_context(mode="file", project_root_dir=".")
suite = context.suites.add_or_update(gx.ExpectationSuite("trips", expectations=EXPECTATIONS))
asset = context.data_sources.add_or_update_pandas("trips").add_dataframe_asset("trips")
definition = gx.ValidationDefinition(
    name="trips", data=asset.add_batch_definition_whole_dataframe("all"), suite=suite
)
checkpoint = context.checkpoints.add_or_update(
    gx.Checkpoint(
        name="trips",
        validation_definitions=[context.validation_definitions.add_or_update(definition)],
        actions=[gx.checkpoint.UpdateDataDocsAction(name="data docs")],
        result_format="COMPLETE",
    )
)
table = pd.read_csv(sys.argv[1])
(result,) = checkpoint.run(batch_parameters={"dataframe": table}).run_results.values()
rejected = {}
for check in result.results:
    if not check.success:
        column = check.expectation_config.kwargs.get("column", "")
        name = f"{check.expectation_config.type} {column}".strip()
        rejected[name] = check.result.get("unexpected_index_list", [])
print(json.dumps(rejected, indent=2))
sys.exit(bool(rejected))
