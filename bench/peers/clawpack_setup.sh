#!/bin/sh
# Builds the Clawpack peer: a virtual environment, Clawpack's sources from PyPI in its src/, and from their classic
# Fortran solvers two programs for each case (standard and tuned) in its bin/.
# usage: bench/peers/clawpack_setup.sh     environment: LOWTIDE_CLAWPACK_VENV (where), PYTHON (3.11 or newer),
# FFLAGS (of the standard variant, by default -O2)
set -eu
version=5.14.0
here=$(cd "$(dirname "$0")" && pwd)
venv=${LOWTIDE_CLAWPACK_VENV:-$here/../../build/clawpack-venv}
command -v gfortran >/dev/null || { echo "clawpack: needs gfortran: apt install gfortran" >&2; exit 1; }

"${PYTHON:-python3}" -m venv "$venv"
venv=$(cd "$venv" && pwd)
"$venv/bin/pip" install --quiet numpy
source=$venv/src/clawpack-$version
if [ ! -d "$source/riemann" ]; then
  mkdir -p "$venv/src"
  # pip runs the package's build system (meson-python, ninja, numpy, also from PyPI) only to learn its name.
  "$venv/bin/pip" download --quiet --no-deps --no-binary clawpack --dest "$venv/src" "clawpack==$version"
  tar -xzf "$venv/src/clawpack-$version.tar.gz" -C "$venv/src"
fi

# compile NAME DIMENSIONS FLAGS KERNELS RIEMANN_SOLVER...    KERNELS: whose step in two dimensions, classic or pyclaw
compile() {
  name=$1 d=$2 flags=$3 kernels=$4
  shift 4
  classic=classic/src/${d}d
  files="$classic/claw$d.f $classic/bc$d.f $classic/copyq$d.f $classic/inlinelimiter.f90 $classic/src$d.f90"
  case $d$kernels in
    1*) files="$files $classic/step1.f90" ;;
    2classic) files="$files $classic/step2.f90 $classic/flux2.f90 $classic/step2ds.f90 $classic/dimsp2.f" ;;
    2pyclaw) pyclaw=pyclaw/src/pyclaw/classic
      files="$files $pyclaw/step2.f90 $pyclaw/flux2.f90 $classic/step2ds.f90 $classic/dimsp2.f" ;;
  esac
  for solver in "$@"; do files="$files riemann/src/$solver.f90"; done
  scratch=$(mktemp -d)
  # shellcheck disable=SC2086  # flags and files are lists
  (cd "$source" &&
    gfortran $flags -std=legacy -w -J "$scratch" -o "$venv/bin/clawpack-$name" "$here/clawpack_${d}d.f90" $files)
  rm -r "$scratch"
}
standard=${FFLAGS:--O2}
compile euler1d-standard 1 "$standard" classic rp1_euler_with_efix
compile acoustics2d-standard 2 "$standard" classic rpn2_acoustics rpt2_acoustics
compile burgers2d-standard 2 "$standard" classic rpn2_burgers rpt2_burgers
compile advection2d-standard 2 "$standard" classic rpn2_vc_advection rpt2_vc_advection
# The fastest that were found: see README.md.
compile euler1d-tuned 1 "-O3 -flto" classic rp1_euler_with_efix
compile acoustics2d-tuned 2 "-O3" pyclaw rpn2_acoustics rpt2_acoustics
compile burgers2d-tuned 2 "-O2" classic rpn2_burgers rpt2_burgers
compile advection2d-tuned 2 "-O2" pyclaw rpn2_vc_advection rpt2_vc_advection
echo "$version" >"$venv/clawpack-version"
echo "Clawpack $version with gfortran $(gfortran -dumpfullversion) $standard in $venv"
