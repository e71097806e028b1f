#!/bin/sh
# Write agents' phones where Asterisk's container reads them: whole, or not at all. Asterisk takes
# them with: asterisk -rx "module reload res_pjsip.so"
set -eu
file=${CALLCAMP_PHONES_DIR:-/phones}/pjsip_callcamp_phones.conf
umask 007
trap 'rm -f "$file.new"' EXIT
callcamp agent phones --asterisk > "$file.new"
mv "$file.new" "$file"
