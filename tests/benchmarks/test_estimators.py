"""The benchmark of estimators from end to end, on tables so small that it takes seconds."""

from __future__ import annotations

import importlib.util
import json
import math
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from estimators import Fitter, missed, turns
from fits import EQUAL, QUICK_EQUAL, Memory, Neighbours, of_equal, of_table, warm_up
from raw_tables import problem
from rivals import CONTENDERS, Plan

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "estimators.py"
NEEDED = {
    "RealMLP-TD-S": "pytabkit",
    "memograd": "memograd.estimators",
    "memograd, sklearn preset": "memograd.estimators",
}


@pytest.mark.filterwarnings("ignore")  # of networks that do not converge, and the other packages' own
@pytest.mark.parametrize("data", ["linnerud", "interactions", "many categories"])
@pytest.mark.parametrize("contender", CONTENDERS)
def test_contender_fits(contender: str, data: str) -> None:
    """Each contender takes several outputs, classes, and rows with holes and with unseen and very many categories."""
    if contender in NEEDED:
        pytest.importorskip(NEEDED[contender])
    n_rows = 2_000 if (contender, data) == ("HistGradientBoosting", "many categories") else 300
    with threadpool_limits(1):  # trees on all cores wait for each other when these are busy
        warm_up(contender, problem(data).task, 1)
        answer = of_table(contender, problem(data, n_rows), 0, 1)
    assert answer["fit_seconds"] > 0
    assert math.isfinite(answer["loss"])
    assert answer["score"] > {"linnerud": -1_000, "interactions": 0.4, "many categories": -1}[data]


def test_worker_answers(tmp_path: Path) -> None:
    """A process of its own answers a question with what was asked and what it came to."""
    asked = {"contender": "scikit-learn MLP", "data": "iris", "n_rows": None, "seed": 2}
    answer = Fitter(tmp_path).ask(1, **asked)
    assert answer.items() >= asked.items()
    assert answer["score"] > 0.8


def test_failure_is_an_answer(tmp_path: Path) -> None:
    """A fit that fails is reported with its reason, and ends nothing else."""
    answer = Fitter(tmp_path).ask(1, contender="HistGradientBoosting", data="titanic", n_rows=None, seed=0)
    assert "titanic" in answer["error"]
    assert answer["data"] == "titanic"


def test_memory_is_the_rise() -> None:
    """What was in use before does not count; what is in use at any time afterwards does, even if it is given back."""
    before = np.ones(4 << 20)
    memory = Memory()
    after = np.ones(8 << 20)
    del before, after
    assert 60 < memory.rise_mb() < 80


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="only Linux tells")
def test_neighbours_are_noticed() -> None:
    """What another process computes counts as other work, and what this one computes does not."""
    script = "import time; began = time.process_time()\nwhile time.process_time() < began + 0.5: pass"
    other = Neighbours()
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", script], check=True)
    assert other.cores() * (time.perf_counter() - began) > 0.4
    own = Neighbours()
    own._busy_seconds = lambda before=own._before[1]: before + 0.3  # type: ignore[method-assign, misc]
    while time.process_time() < own._before[2] + 0.3:
        pass
    assert own.cores() < 0.01


def test_everyone_is_first_in_turn() -> None:
    """In as many rounds as there are contenders each has every place once."""
    rounds = [turns(["a", "b", "c"], number) for number in range(3)]
    assert rounds == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"]]


def test_equal_cases_have_names_of_their_own() -> None:
    """A case is asked for by its label, and its batches are whole ones."""
    cases = [*EQUAL, *QUICK_EQUAL]
    assert len({case.label for case in cases}) == len(cases)
    for case in cases:
        share = 0.8 if "RealMLP-TD-S" in case.contenders else 1.0
        assert case.n_rows * share % case.batch_size == 0


class _Short:
    n_iter_ = 3

    def fit(self, X: Any, y: Any) -> None:
        pass


def test_fewer_epochs_are_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """An estimator that stopped before the last epoch is not timed against one that did not."""
    monkeypatch.setitem(CONTENDERS, "short", lambda plan, X: _Short())
    with pytest.raises(RuntimeError, match="short trained for 3 epochs, not 50"):
        of_equal("short", QUICK_EQUAL[0], 0, 1)


def test_equal_networks_are_equal() -> None:
    """scikit-learn's MLP is given the sizes, the epochs and the batch, and nothing that stops it."""
    case = EQUAL[0]
    plan = Plan(case.task, 0, 1, 1, case.n_epochs, case.hidden, case.batch_size)
    asked = CONTENDERS["scikit-learn MLP"](plan, None).get_params()
    assert (asked["hidden_layer_sizes"], asked["max_iter"], asked["batch_size"]) == (
        case.hidden, case.n_epochs, case.batch_size,
    )  # fmt: skip
    assert asked["n_iter_no_change"] > case.n_epochs
    assert not asked["early_stopping"]


def _records(contender: str, scores: list[float], data: str = "a") -> list[dict[str, Any]]:
    return [
        {"data": data, "contender": contender, "seed": seed, "score": score, "fit_seconds": 1.0, "memory_mb": 1.0}
        for seed, score in enumerate(scores)
    ]


def test_aims() -> None:
    """An aim is missed when it was measured and not reached, and the message says which."""
    ours = _records("memograd", [0.5, 0.6])
    assert missed([*ours, *_records("RealMLP-TD-S", [0.5, 0.6])], [], []) == []
    assert "RealMLP-TD-S beyond one standard error on a" in missed(
        [*ours, *_records("RealMLP-TD-S", [0.8, 0.91])], [], []
    )[0]  # fmt: skip
    assert "0 of 1" in missed([*ours, *_records("scikit-learn MLP", [0.8, 0.91])], [], [])[0]
    assert missed(ours, [], []) == []


@pytest.mark.parametrize(("seconds", "n_missed"), [(4.9, 1), (5.0, 0)])
def test_speed_aim(seconds: float, n_missed: int) -> None:
    """An equal network is to be trained five times as fast as by scikit-learn."""
    case = QUICK_EQUAL[0]
    times = [
        {"case": case.label, "contender": contender, "seed": 0, "n_threads": 1, "fit_seconds": s}
        for contender, s in zip(case.contenders, (1.0, seconds), strict=True)
    ]
    assert len(missed([], times, [case])) == n_missed


def test_failed_fits_of_memograd_are_told() -> None:
    """A benchmark in which memograd failed does not pass."""
    found = missed([{"data": "a", "contender": "memograd", "seed": 0, "error": "killed"}], [], [])
    assert found == ["1 fits of memograd failed; the first: killed"]


def test_whole_run(tmp_path: Path) -> None:
    """The script prints a row for each contender, keeps every fit, and draws; losing rows stay in."""
    names = ["scikit-learn MLP"]
    if importlib.util.find_spec("memograd.estimators"):
        names.append("memograd")
    pytest.importorskip("matplotlib")
    kept, picture = tmp_path / "kept.json", tmp_path / "drawn.png"
    options = ["--data", "linnerud", "--seeds", "2", "--rounds", "0", "--json", str(kept), "--picture", str(picture)]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *options, "--contenders", *names], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    assert all(name in done.stdout for name in names)
    found = json.loads(kept.read_text("utf-8"))
    assert len(found["scored"]) == 2 * len(names)
    assert {record["seed"] for record in found["scored"]} == {0, 1}
    assert found["versions"]["scikit-learn"]
    assert picture.read_bytes().startswith(b"\x89PNG")
