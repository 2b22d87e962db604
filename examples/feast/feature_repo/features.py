"""What Feast knows: each wine has measurements, which may be taken again later."""

from datetime import timedelta

from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.types import Float64

wine = Entity(name="wine", join_keys=["wine_id"], value_type=ValueType.INT64)
measurements = FeatureView(
    name="measurements",
    entities=[wine],
    ttl=timedelta(days=3650),
    # Float32 would round what the model was trained on.
    schema=[Field(name=name, dtype=Float64) for name in ("alcohol", "flavanoids", "proline")],
    source=FileSource(path="data/measurements.parquet", timestamp_field="measured_at"),
)
cultivar = FeatureService(name="cultivar", features=[measurements])
