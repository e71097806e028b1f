#!/bin/sh
# Write what only this installation knows (secret, outside address), then become Asterisk.
set -eu

folder=${CALLCAMP_RUN_DIR:-/run/callcamp}
configuration=${CALLCAMP_ASTERISK_CONF:-/etc/asterisk/asterisk.conf}
secret=${CALLCAMP_AMI_SECRET:-}
if [ -n "${CALLCAMP_AMI_SECRET_FILE:-}" ]; then
    secret=$(cat "$CALLCAMP_AMI_SECRET_FILE")
fi
unset CALLCAMP_AMI_SECRET
case $secret in
    '' | *[!A-Za-z0-9._~-]*)
        echo 'CALLCAMP_AMI_SECRET (or the file that CALLCAMP_AMI_SECRET_FILE names) must' \
             'hold letters, digits and . _ ~ - only.' >&2
        exit 1
        ;;
esac
outside=${CALLCAMP_EXTERNAL_ADDRESS:-}
case $outside in
    *[!A-Za-z0-9.:-]*)
        echo 'CALLCAMP_EXTERNAL_ADDRESS must be an address or a host name.' >&2
        exit 1
        ;;
esac

umask 077
printf '[callcamp](callcamp-rights)\nsecret = %s\ndeny = 0.0.0.0/0.0.0.0\npermit = 127.0.0.1/255.255.255.255\n' \
    "$secret" > "$folder/manager_user.conf"
{
    printf '; options of the transport, made at start\n'
    if [ -n "$outside" ]; then
        printf 'external_signaling_address = %s\nexternal_media_address = %s\n' "$outside" "$outside"
        printf 'local_net = 127.0.0.0/8\n'
    fi
} > "$folder/pjsip_outside.conf"

# Warnings go where `docker compose logs` sees them, if this user may open that.
log=/dev/stdout
(: >> /dev/stdout) 2> /dev/null || log=messages.log
printf '%s => error,warning\n' "$log" > "$folder/logger_channels.conf"

exec asterisk -f -C "$configuration"
