"""Equal values have one digest, however they were made and wherever they lie; in every process, whatever its seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from memograd.digest import digest

from .alike import PAIRS, Pairs
from .confusable import code


@pytest.mark.parametrize("pairs", PAIRS, ids=lambda pairs: pairs.__name__)
def test_pairs_share_a_digest(pairs: Pairs) -> None:
    """Both values of each pair have one digest, and taking it again gives the same."""
    assert [
        (value, other)
        for value, other in pairs()
        if not digest(value, code=code) == digest(other, code=code) == digest(value, code=code)
    ] == []


def test_there_are_enough_pairs() -> None:
    """More than three hundred pairs are compared, besides those that are plain copies."""
    assert sum(1 for pairs in PAIRS if pairs.__name__ not in ("pickled", "copied") for _ in pairs()) >= 300


TABLE = """
import json, sys
sys.path.insert(0, sys.argv[1])
import confusable
from memograd.digest import digest
print(json.dumps({
    group.__name__: [digest(value, code=confusable.code) for value in group()] for group in confusable.GROUPS
}))
"""


def test_every_process_gives_the_same_digests() -> None:
    """The digests of all tables are the same in processes whose hashes of texts have other seeds."""
    tables = [run_with_seed(seed) for seed in ("0", "1", "4294967295")]
    assert tables[0] == tables[1] == tables[2]
    assert sum(map(len, tables[0].values())) > 1000


def run_with_seed(seed: str) -> dict[str, list[str]]:
    """The digests that a process with this hash seed gives."""
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    command = [sys.executable, "-c", TABLE, str(Path(__file__).parent)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    table: dict[str, list[str]] = json.loads(result.stdout)
    return table
