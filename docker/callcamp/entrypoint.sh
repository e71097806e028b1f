#!/bin/sh
# Secrets come as files; callcamp reads its settings from the environment.
set -eu
if [ -n "${CALLCAMP_AMI_SECRET_FILE:-}" ]; then
    CALLCAMP_AMI_SECRET=$(cat "$CALLCAMP_AMI_SECRET_FILE")
    export CALLCAMP_AMI_SECRET
fi
if [ -n "${CALLCAMP_PHONE_TURN_SECRET_FILE:-}" ]; then
    CALLCAMP_PHONE_TURN_SECRET=$(cat "$CALLCAMP_PHONE_TURN_SECRET_FILE")
    export CALLCAMP_PHONE_TURN_SECRET
fi
unset CALLCAMP_AMI_SECRET_FILE CALLCAMP_PHONE_TURN_SECRET_FILE
exec "$@"
