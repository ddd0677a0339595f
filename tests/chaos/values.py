"""One form for a value, whichever way it came: PostgreSQL's text, sluice's JSON, a cell of SQLite."""

import base64
import datetime
import json

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
INTEGERS = ("bigint", "integer", "smallint")


def from_text(kind, text):
    """`kind` as format_type() names it; text is what the type's output function wrote."""
    if text is None:
        return None
    if kind in INTEGERS:
        return int(text)
    if kind == "boolean":
        return text in ("true", "t")
    if kind == "double precision":
        return float(text)
    if kind == "timestamp with time zone":
        return microseconds(text.replace(" ", "T").replace("+00", "+00:00"))
    if kind == "jsonb":
        return ("json", json.dumps(json.loads(text), sort_keys=True))
    if kind == "bytea":
        return bytes.fromhex(text.removeprefix("\\x"))
    if kind == "integer[]":
        return [None if part == "NULL" else int(part) for part in text.strip("{}").split(",") if part]
    return text


def from_json(kind, value):
    """The same from a value of `format: json`."""
    if value is None:
        return None
    if kind == "double precision":
        return float(value)
    if kind == "timestamp with time zone":
        return microseconds(value.replace("Z", "+00:00"))
    if kind == "jsonb":
        return ("json", json.dumps(value, sort_keys=True))
    if kind == "bytea":
        return base64.b64decode(value)
    return value


def from_sqlite(kind, value):
    """The same from a cell of the sqlite sink."""
    if value is None:
        return None
    if kind == "boolean":
        return bool(value)
    if kind in ("jsonb", "integer[]"):
        return from_json(kind, json.loads(value))
    if kind == "bytea":
        return bytes(value)
    return from_json(kind, value)


def microseconds(text):
    whole, _, rest = text.partition(".")
    digits = rest.split("+")[0]
    moment = datetime.datetime.fromisoformat((whole if digits else whole.split("+")[0]) + "+00:00") - EPOCH
    return (moment.days * 86400 + moment.seconds) * 1_000_000 + int((digits + "000000")[:6])
