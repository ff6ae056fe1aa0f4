"""Signs what stands on its standard input with the key of the enrolment, and ends; prints the signature, base64.

`python -m agent.attest.child HOME` reads `sign.key`. Exit 3: cryptography is not installed.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path

NO_CRYPTOGRAPHY = 3
MAX_BYTES = 1 << 16


def main(home: Path) -> int:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        return NO_CRYPTOGRAPHY
    key = load_pem_private_key((home / "sign.key").read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        sys.stderr.write("sign.key is no Ed25519 key\n")
        return 1
    sys.stdout.write(base64.b64encode(key.sign(sys.stdin.buffer.read(MAX_BYTES))).decode("ascii"))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
