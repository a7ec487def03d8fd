#!/bin/sh
# What a container runs: the service, set by FARMANER_* variables and by options.
# FARMANER_TOKEN_FILE names a file with the token, as container platforms hand secrets over.
set -eu
if [ -n "${FARMANER_TOKEN_FILE:-}" ]; then
  [ -r "$FARMANER_TOKEN_FILE" ] ||
    { echo "serve.sh: $FARMANER_TOKEN_FILE: expected a file with the token, found none" >&2; exit 1; }
  FARMANER_TOKEN=$(cat "$FARMANER_TOKEN_FILE")
  export FARMANER_TOKEN
  [ -n "$FARMANER_TOKEN" ] ||
    { echo "serve.sh: $FARMANER_TOKEN_FILE: expected a token, found an empty file" >&2; exit 1; }
fi
exec farmaner serve "$@"  # in this process's place, so that signals reach it
