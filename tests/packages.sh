#!/bin/sh
# The Debian packages that the tests drive for real. Root installs what is missing; anybody else is told what to ask for.
set -eu
missing=""
while read -r name; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing="$missing $name"
done < "$(dirname "$0")/packages.txt"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "the tests need these packages: sudo apt install$missing" >&2
    exit 1
fi
echo "installing for the tests:$missing"
apt-get -qq -o DPkg::Lock::Timeout=300 update
DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $missing >/dev/null
