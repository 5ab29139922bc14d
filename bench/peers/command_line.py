"""The peers' command line, and what it says of the machine. Import this before numpy, torch or jax."""

from __future__ import annotations

import argparse

from machine import choose_blas_kernels, confine


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("bench", choices=("lrnr", "siren", "chain", "hvp"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7, help="timed samples; the median and the least are reported")
    parser.add_argument("--json", action="store_true", help="print one JSON object on one line")
    parser.add_argument("--selfcheck", action="store_true", help="print the results of a small case, for run.py")
    return parser.parse_args()


args = arguments()
confine(args.threads)
choose_blas_kernels()
