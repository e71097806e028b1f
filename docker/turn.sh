#!/bin/sh
# Write coturn's configuration, with the secret, where only it can read; then become it.
set -eu
folder=${CALLCAMP_RUN_DIR:-/run/turn}
secret=$(cat "${CALLCAMP_TURN_SECRET_FILE:-/run/secrets/turn_secret}")
case $secret in
    '' | *[!A-Za-z0-9._~-]*)
        echo 'turn_secret must hold letters, digits and . _ ~ - only.' >&2
        exit 1
        ;;
esac
umask 077
{
    printf 'listening-port=3478\nuse-auth-secret\nstatic-auth-secret=%s\nrealm=callcamp\n' "$secret"
    printf 'fingerprint\nno-cli\nno-tls\nno-dtls\nno-tcp-relay\nno-multicast-peers\n'
    printf 'log-file=stdout\nsimple-log\npidfile=%s/turnserver.pid\n' "$folder"
    # Asterisk's audio in this network namespace, and nothing else on earth.
    printf 'denied-peer-ip=0.0.0.0-255.255.255.255\ndenied-peer-ip=::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\n'
    for address in $(hostname -I 2> /dev/null || hostname -i); do
        case $address in
            *:*) ;;
            *) printf 'relay-ip=%s\nallowed-peer-ip=%s\n' "$address" "$address" ;;
        esac
    done
} > "$folder/turnserver.conf"
exec turnserver -c "$folder/turnserver.conf"
