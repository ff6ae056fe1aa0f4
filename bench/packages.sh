#!/bin/sh
# The Debian packages that the benches compare with and measure by. Root installs what is missing (and starts none of
# it as a service); anybody else is told what to ask for. Without them the rows that need them say "not run".
set -eu
missing=""
while read -r name; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing="$missing $name"
done < "$(dirname "$0")/packages.txt"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "the benches need these packages: sudo apt install$missing" >&2
    exit 1
fi
echo "installing for the benches:$missing"
# Services are refused their start: a netdata that runs beside the bench would spoil it.
policy=/usr/sbin/policy-rc.d
[ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' > "$policy"; chmod +x "$policy"; trap 'rm -f "$policy"' EXIT; }
apt-get -qq -o DPkg::Lock::Timeout=300 update
DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $missing >/dev/null
