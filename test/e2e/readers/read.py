"""Reads Parquet files with pyarrow or Polars and prints the rows of each as a line of JSON.

    python read.py pyarrow|polars COLUMNS FILE...

COLUMNS are joined by commas; none: all. Printed are integers and times (microseconds since 1970) as text, the bytes of
`binary` as hex, JSON as its text, the map of extensions as an object; all else is as the library has it.
"""

import datetime
import json
import sys

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MICROSECOND = datetime.timedelta(microseconds=1)


def shown(value):
    if value is None or isinstance(value, (bool, float, str)):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime.datetime):
        return str((value - EPOCH) // MICROSECOND)
    if isinstance(value, bytes):
        # Polars takes columns of JSON for bytes.
        return value.decode("utf-8")
    if isinstance(value, dict):
        return {name: shown(member) for name, member in value.items()}
    return [shown(item) for item in value]


def extensions(value):
    """A map is a list of pairs to pyarrow, and a list of structs to Polars."""
    if value is None:
        return None
    pairs = [(entry["key"], entry["value"]) if isinstance(entry, dict) else entry for entry in value]
    return dict(pairs)


def rows_of(library, path, columns):
    if library == "pyarrow":
        import pyarrow.parquet

        # A single file: the folders of a path are no columns here.
        return pyarrow.parquet.ParquetFile(path).read(columns).to_pylist()
    import polars

    return polars.read_parquet(path, columns=columns, hive_partitioning=False).to_dicts()


def printed(row):
    if row.get("binary") is not None:
        row["binary"] = row["binary"].hex()
    if "extensions" in row:
        row["extensions"] = extensions(row["extensions"])
    return {name: shown(value) for name, value in row.items()}


library = sys.argv[1]
columns = sys.argv[2].split(",") if sys.argv[2] else None
for path in sys.argv[3:]:
    print(json.dumps([printed(row) for row in rows_of(library, path, columns)]))
