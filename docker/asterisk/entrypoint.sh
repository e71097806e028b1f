#!/bin/sh
# Write what only this installation knows (secret, addresses, ports, certificate), then become
# Asterisk.
set -eu

folder=${CALLCAMP_RUN_DIR:-/run/callcamp}
phones=${CALLCAMP_PHONES_DIR:-/phones}
configuration=${CALLCAMP_ASTERISK_CONF:-/etc/asterisk/asterisk.conf}

refuse() {
    echo "$*" >&2
    exit 1
}

secret=${CALLCAMP_AMI_SECRET:-}
if [ -n "${CALLCAMP_AMI_SECRET_FILE:-}" ]; then
    secret=$(cat "$CALLCAMP_AMI_SECRET_FILE")
fi
unset CALLCAMP_AMI_SECRET
case $secret in
    '' | *[!A-Za-z0-9._~-]*)
        refuse 'CALLCAMP_AMI_SECRET (or the file that CALLCAMP_AMI_SECRET_FILE names) must' \
               'hold letters, digits and . _ ~ - only.'
        ;;
esac

outside=${CALLCAMP_EXTERNAL_ADDRESS:-}
case $outside in
    *[!A-Za-z0-9.:-]*)
        refuse 'CALLCAMP_EXTERNAL_ADDRESS must be an address or a host name.'
        ;;
esac

# Phones need an address, not a name: browsers are told it as it is.
agents=${CALLCAMP_AGENT_ADDRESS:-}
case $agents in
    *[!A-Fa-f0-9.:]*)
        refuse "CALLCAMP_AGENT_ADDRESS is $agents; it must be an IP address," \
               'such as 192.0.2.10 or 2001:db8::10.'
        ;;
esac
case $outside in
    *[!0-9.]*) ;;
    *) agents=${agents:-$outside} ;;
esac

rtp_end=${CALLCAMP_RTP_END:-10199}
case $rtp_end in
    1[0-9][0-9][0-9][0-9]) ;;
    *) refuse "CALLCAMP_RTP_END is $rtp_end; it must be a port between 10001 and 19999." ;;
esac

certificate=${CALLCAMP_WSS_CERTIFICATE:-}
key=${CALLCAMP_WSS_KEY:-}
case $certificate$key in
    *[!A-Za-z0-9._/-]*)
        refuse 'CALLCAMP_WSS_CERTIFICATE and CALLCAMP_WSS_KEY must be paths of letters, digits' \
               'and . _ / - only.'
        ;;
esac
if [ -n "$certificate$key" ]; then
    for file in "$certificate" "$key"; do
        [ -n "$file" ] || refuse 'Give both CALLCAMP_WSS_CERTIFICATE and CALLCAMP_WSS_KEY.'
        # Asterisk would start without TLS, and say so in its log only.
        [ -r "$file" ] || refuse "$(id -un) cannot read $file: it must be there, and readable" \
                                 "for user $(id -u) or group $(id -g)."
    done
fi

umask 077
printf '[callcamp](callcamp-rights)\nsecret = %s\ndeny = 0.0.0.0/0.0.0.0\npermit = 127.0.0.1/255.255.255.255\n' \
    "$secret" > "$folder/manager_user.conf"

own=
for address in $(hostname -I); do
    case $address in
        *:*) ;;
        *) own="$own $address" ;;
    esac
done

# The options of a transport whose peers know this host under an address that it has not itself.
# Asterisk rewrites where sound goes only if its own address is in a local_net.
reached_under() {
    printf '; options of the transport, made at start\n'
    if [ -n "$1" ]; then
        printf 'external_signaling_address = %s\nexternal_media_address = %s\n' "$1" "$1"
        printf 'local_net = %s/32\n' 127.0.0.1 $own
    fi
}
reached_under "$outside" > "$folder/pjsip_outside.conf"
reached_under "${agents:-$outside}" > "$folder/pjsip_phones_outside.conf"

{
    printf 'rtpstart = 10000\nrtpend = %s\n' "$rtp_end"
    if [ -n "$agents" ]; then
        printf '[ice_host_candidates]\n'
        # A browser on the container's own host reaches the container's own address.
        for address in $own; do
            printf '%s => %s,include_local_address\n' "$address" "$agents"
        done
    fi
} > "$folder/rtp.conf"

{
    printf '; TLS of the web server, made at start\n'
    if [ -n "$certificate" ]; then
        printf 'tlsenable = yes\ntlsbindaddr = 0.0.0.0:8089\n'
        printf 'tlscertfile = %s\ntlsprivatekey = %s\n' "$certificate" "$key"
    fi
} > "$folder/http_tls.conf"

# Asterisk looks again only at files that were there when it started.
[ -e "$phones/pjsip_callcamp_phones.conf" ] || (umask 007; : > "$phones/pjsip_callcamp_phones.conf")

# Warnings go where `docker compose logs` sees them, if this user may open that.
log=/dev/stdout
(: >> /dev/stdout) 2> /dev/null || log=messages.log
printf '%s => error,warning\n' "$log" > "$folder/logger_channels.conf"

exec asterisk -f -C "$configuration"
