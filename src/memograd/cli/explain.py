"""`memograd explain`: the derivative of a small network as on paper, and what storing its factors saves."""

from __future__ import annotations

import argparse
import sys

from memograd.cli.arguments import at_least, network_sizes, weight_index
from memograd.cli.terminal import Terminal
from memograd.explain.explanation import explain
from memograd.nn.activations import ACTIVATIONS
from memograd.nn.mlp import MLP

# More than anyone reads.
MAX_TERMS = 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "network", metavar="SIZES", type=network_sizes, help="nodes of each layer, the input's first: 2-2-2-1"
    )
    parser.add_argument(
        "--weight", type=weight_index, default=(1, 1, 1), metavar="K,I,J",
        help="w(k, i, j) enters layer k from node i to node j, counted from 1 (default: 1,1,1)",
    )  # fmt: skip
    parser.add_argument(
        "--terms", type=at_least(1, MAX_TERMS), default=4, metavar="N", help="terms to write at most (default: 4)"
    )
    parser.add_argument(
        "--activation", choices=sorted(ACTIVATIONS), default="tanh", metavar="NAME",
        help=f"for the values: {', '.join(sorted(ACTIVATIONS))} (default: tanh)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=at_least(0), default=0, metavar="S",
        help="of the weights and the sample for the values (default: 0)",
    )  # fmt: skip
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--latex", action="store_true", help="print the formula in LaTeX")
    form.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    terminal = Terminal(as_json=arguments.json)
    network = MLP(arguments.network, arguments.activation)
    found = explain(network, arguments.weight, seed=arguments.seed, max_terms=arguments.terms)
    if arguments.json:
        # Path counts are exact, and Python refuses by default to write integers of over 4,300 digits.
        limit = sys.get_int_max_str_digits()
        sys.set_int_max_str_digits(0)
        try:
            terminal.json(found.to_json())
        finally:
            sys.set_int_max_str_digits(limit)
    else:
        terminal.text(found.latex if arguments.latex else found.text)
    return 0
