#!/usr/bin/env bash
# Installs OpenMPI (mpirun and libmpi) from Debian, for the tests that train with several processes.
# Needs root. Exits 0 with a note when it cannot; whether that matters, the tests decide (MODA_REQUIRE_MPI).
set -u
note() { echo "install-openmpi: $*"; }
if command -v mpirun > /dev/null; then note "already installed: $(mpirun --version | head -n 1)"; exit 0; fi
[ "$(id -u)" = 0 ] || { note "not root; nothing installed"; exit 0; }
command -v apt-get > /dev/null || { note "no apt-get; nothing installed"; exit 0; }
install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openmpi-bin libopenmpi3 > /dev/null; }
{ install || { apt-get update -qq && install; }; } && note "installed" || note "could not install"
exit 0
