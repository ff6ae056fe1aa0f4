"""Makes the agent's two key pairs and ends: the one program here that imports cryptography.

`python -m agent.joining.keychild HOME` writes `sign.key.new` and `seal.key.new` (PEM, PKCS#8, mode 0600) and prints
the public halves as JSON, base64 of 32 raw bytes each. Exit 3: cryptography is not installed.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from pathlib import Path

NO_CRYPTOGRAPHY = 3


def main(home: Path) -> int:
    try:
        from cryptography.hazmat.primitives import serialization as forms
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    except ImportError:
        return NO_CRYPTOGRAPHY
    public: dict[str, str] = {}
    for name, key in (("sign", Ed25519PrivateKey.generate()), ("seal", X25519PrivateKey.generate())):
        secret = key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
        _write(home / f"{name}.key.new", secret)
        public[name] = base64.b64encode(key.public_key().public_bytes_raw()).decode("ascii")
    sys.stdout.write(json.dumps(public))
    return 0


def _write(path: Path, secret: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
