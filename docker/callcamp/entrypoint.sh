#!/bin/sh
# Secrets come as files; callcamp reads its settings from the environment.
set -eu
if [ -n "${CALLCAMP_AMI_SECRET_FILE:-}" ]; then
    CALLCAMP_AMI_SECRET=$(cat "$CALLCAMP_AMI_SECRET_FILE")
    export CALLCAMP_AMI_SECRET
fi
unset CALLCAMP_AMI_SECRET_FILE
exec "$@"
