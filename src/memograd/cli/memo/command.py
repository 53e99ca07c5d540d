"""The command `memograd memo`: its actions in one table, and what they have in common."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict

from memograd.cli.memo import listing, transfer, upkeep, why
from memograd.cli.memo.action import Action, Job
from memograd.cli.memo.words import drawn
from memograd.cli.terminal import Terminal

ACTIONS: Mapping[str, Action] = {**listing.ACTIONS, **why.ACTIONS, **upkeep.ACTIONS, **transfer.ACTIONS}

DAMAGED = 1
"""The exit status of `verify` when something was damaged."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, action in ACTIONS.items():
        sub = actions.add_parser(name, help=action.help, description=f"{action.help[0].upper()}{action.help[1:]}.")
        action.add(sub)
        sub.add_argument("--store", metavar="DIR", help="the store's directory (default: that of memoized functions)")
        sub.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    job = Job(arguments, Terminal(as_json=arguments.json))
    record, shown = ACTIONS[arguments.action].run(job)
    for damage in job.damage:
        job.terminal.note(f"damaged: {damage}")
    if arguments.json:
        # A lone surrogate in what a foreign file says is escaped by JSON, too.
        job.terminal.json({"store": str(job.directory), **record, "damage": [asdict(found) for found in job.damage]})
    else:
        job.terminal.text("\n".join(item if isinstance(item, str) else drawn(item) for item in shown))
    return DAMAGED if arguments.action == "verify" and job.damage else 0
