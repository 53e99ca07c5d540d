"""Rows for the standard library: numbers, dates, paths, patterns and other small records.

Values are told by all that can be read from them, which is more than `==` compares: ``Decimal("1.0")`` and
``Decimal("1.00")`` differ, so do equal instants in two time zones, and a pure and a concrete path. A path is a
name: what the file holds is not looked at.
"""

from __future__ import annotations

import array
import collections
import datetime
import decimal
import fractions
import operator
import pathlib
import random
import re
import uuid
import zoneinfo
from collections.abc import Mapping, Sequence
from typing import Any

from memograd.digest.attributes import attached
from memograd.digest.node import Row, attributes_row, record_row
from memograd.errors import CannotDigest


def _zone(zone: zoneinfo.ZoneInfo) -> Sequence[Any]:
    if zone.key is None:
        raise CannotDigest("the time zone was read from a file and has no key; make it with ZoneInfo(key)")
    return [zone.key]


def _reduced(form: str) -> Row:
    # itemgetter and its like say how to make them again: the class and its arguments.
    return record_row(form, lambda value: value.__reduce__()[1:])


_TIME = ("hour", "minute", "second", "microsecond", "fold", "tzinfo")

STDLIB_ROWS: Mapping[type, Row] = {
    decimal.Decimal: record_row("Decimal", lambda value: list(value.as_tuple())),
    fractions.Fraction: attributes_row("Fraction", "numerator", "denominator"),
    uuid.UUID: attributes_row("UUID", "int"),
    datetime.datetime: attributes_row("datetime", "year", "month", "day", *_TIME),
    datetime.date: attributes_row("date", "year", "month", "day"),
    datetime.time: attributes_row("time", *_TIME),
    datetime.timedelta: attributes_row("timedelta", "days", "seconds", "microseconds"),
    datetime.timezone: record_row("timezone", lambda zone: [zone.utcoffset(None), zone.tzname(None)]),
    zoneinfo.ZoneInfo: record_row("ZoneInfo", _zone),
    pathlib.PurePosixPath: attributes_row("PurePosixPath", "parts"),
    pathlib.PureWindowsPath: attributes_row("PureWindowsPath", "parts"),
    pathlib.PosixPath: attributes_row("PosixPath", "parts"),
    pathlib.WindowsPath: attributes_row("WindowsPath", "parts"),
    re.Pattern: attributes_row("Pattern", "pattern", "flags"),
    array.array: record_row("array.array", lambda values: [values.typecode, values.itemsize, values.tobytes()]),
    collections.ChainMap: record_row(
        "ChainMap", lambda mapping: [mapping.maps, attached(mapping, "maps")], [".maps", ".__dict__"]
    ),
    collections.defaultdict: record_row(
        "defaultdict", lambda mapping: [mapping.default_factory, dict(mapping)], [".default_factory", ""]
    ),
    operator.itemgetter: _reduced("itemgetter"),
    operator.attrgetter: _reduced("attrgetter"),
    operator.methodcaller: _reduced("methodcaller"),
    random.Random: record_row("Random", lambda source: [source.getstate(), vars(source)], [".getstate()", ".__dict__"]),
}
