#!/bin/sh
# Makes the virtual environment of the JAX peer (PyPI). PyTorch is the system's: apt install python3-torch
# usage: bench/peers/setup.sh     environment: LOWTIDE_PEERS_VENV (where), PYTHON (3.11 or newer)
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
venv=${LOWTIDE_PEERS_VENV:-$root/build/peers-venv}
"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/pip" install --quiet "jax[cpu]==0.10.2"
echo "JAX $("$venv/bin/python" -c 'import jax; print(jax.__version__)') in $venv"
