#!/bin/sh
# The Debian packages that the tests (or, with another list, the benches) drive for real. Root installs what is missing,
# and starts none of it as a service; anybody else is told what to ask for.
set -eu
list="${1:-$(dirname "$0")/packages.txt}"
missing=""
while read -r name; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing="$missing $name"
done < "$list"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "$list: these packages are needed: sudo apt install$missing" >&2
    exit 1
fi
echo "installing:$missing"
# Services are refused their start: what runs beside a bench spoils it.
policy=/usr/sbin/policy-rc.d
[ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' > "$policy"; chmod +x "$policy"; trap 'rm -f "$policy"' EXIT; }
apt-get -qq -o DPkg::Lock::Timeout=300 update
DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $missing >/dev/null
