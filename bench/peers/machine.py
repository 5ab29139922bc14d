"""What a fair run needs before numpy or torch are loaded: the threads, the BLAS kernels, a malloc that keeps its pages.

BLAS and XLA read environment and affinity when they are loaded (numpy alone loads Debian's OpenBLAS, and starts
its threads), so that a limit set later does not hold. `cores_used` in the reports shows whether it did.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

AVX512 = {"avx512f", "avx512vl", "avx512bw", "avx512dq"}


def processor_has(flags: set[str]) -> bool:
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and flags <= set(cpuinfo.read_text().split())


def confine(threads: int, each: int | None = None) -> None:
    """Keep this process on the first `threads` of the CPUs that it may use, and libraries at `each` (all of them)."""
    allowed = sorted(os.sched_getaffinity(0))
    if not 1 <= threads <= len(allowed):
        raise SystemExit(f"--threads {threads}: this process may use {len(allowed)} CPUs (taskset? run.py --cpus?)")
    os.sched_setaffinity(0, allowed[:threads])
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(each or threads)


def choose_blas_kernels() -> None:
    """An OpenBLAS does not know processors newer than itself, and then takes kernels for SSE: a fifth of the speed.

    lowtide chooses by the processor's features (linalg/blas.cpp); so do the peers.
    """
    if processor_has(AVX512):
        os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
    elif processor_has({"avx2", "fma"}):
        os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")


def favour_torch(avx512: bool = True) -> None:
    """torch 1.13 stays at AVX2 unless told; idle OpenMP threads spin, and take the cores from OpenBLAS's own threads;
    glibc gives large blocks back at every free, so that each step pays page faults."""
    if avx512 and processor_has(AVX512):
        os.environ.setdefault("ATEN_CPU_CAPABILITY", "avx512")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    m_trim_threshold, m_mmap_max = -1, -4
    ctypes.CDLL(None).mallopt(m_mmap_max, 0)
    ctypes.CDLL(None).mallopt(m_trim_threshold, 2**31 - 1)


def loaded_blas() -> str:
    """File and kernels of the OpenBLAS in this process, or '' if there is none."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        path = line.split()[-1]
        if "openblas" in path:
            library = ctypes.CDLL(path)
            if not hasattr(library, "openblas_get_corename"):
                continue
            library.openblas_get_corename.restype = library.openblas_get_config.restype = ctypes.c_char_p
            return f"{library.openblas_get_config().decode()}, kernels {library.openblas_get_corename().decode()}"
    return ""
