"""The long table as Parquet."""

from __future__ import annotations

from itertools import islice
from typing import Any, BinaryIO

from annotations.registry import Export, StudyRows, exports

GROUP = 10_000  # rows that are held at a time


@exports.register
class LongParquet(Export):
    """The long table with types, in row groups."""

    name = "long_parquet"
    label = "Long table (Parquet)"
    suffix = "judgements.parquet"
    media_type = "application/vnd.apache.parquet"
    about = "The same rows with their types, for pandas, Polars, DuckDB or R's arrow."

    def write(self, study: StudyRows, target: BinaryIO, *, masked: bool) -> int:
        """Write a row group at a time."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        kinds: dict[str, Any] = {"str": pa.string(), "int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_()}
        schema = pa.schema([(name, kinds[kind]) for name, kind in study.columns])
        rows, count = study.long(masked=masked), 0
        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            while group := list(islice(rows, GROUP)):
                columns = [pa.array([row[name] for row in group], type=kinds[kind]) for name, kind in study.columns]
                writer.write_table(pa.Table.from_arrays(columns, schema=schema))
                count += len(group)
        return count
