#!/bin/sh
# Installs farmaner with what serving needs into a virtual environment of its own.
#   docker/install.sh FOLDER      run anywhere; PYTHON names another interpreter than python3
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:?expected the folder to install into}
"${PYTHON:-python3}" -m venv --clear "$folder"
"$folder/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check \
  --constraint "$source/constraints.txt" "$source[serve]"
"$folder/bin/python" -m compileall -q "$folder"  # the running image cannot write any
