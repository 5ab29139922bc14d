"""The peers' command line, and their thread limit. Import this before numpy, torch or jax.

BLAS and XLA read environment and affinity when they are loaded (numpy alone loads Debian's OpenBLAS, and starts
its threads), so that a limit set later does not hold. `cores_used` in the report shows whether it did.
"""

from __future__ import annotations

import argparse
import os


def confine(threads: int) -> None:
    """Keep this process on the first `threads` of the CPUs that it may use."""
    allowed = sorted(os.sched_getaffinity(0))
    if not 1 <= threads <= len(allowed):
        raise SystemExit(f"--threads {threads}: this process may use {len(allowed)} CPUs (taskset? run.py --cpus?)")
    os.sched_setaffinity(0, allowed[:threads])
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)


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
