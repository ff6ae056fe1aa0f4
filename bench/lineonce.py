"""`python -m bench.lineonce ENGINE JOB`: one test by one engine, and what this process cost for it.

`province`: our engine. `speedtest`: speedtest-cli itself, unchanged but for the configuration that it would fetch from
speedtest.net. Each imports what it needs and nothing more. The last line is one JSON object.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any, Final

MB: Final = 1e6
SIZES: Final = {
    "download": [350, 500, 750, 1000, 1500, 2000, 2500, 3000, 3500, 4000],
    "upload": [524_288, 1_048_576, 7_340_032],
}


def main() -> None:
    engine, job = sys.argv[1], json.loads(sys.argv[2])
    found = _ours(job) if engine == "province" else _theirs(f"{job['url']}/m/{job['ticket']}/")
    used = resource.getrusage(resource.RUSAGE_SELF)
    cost = {"cpu_s": used.ru_utime + used.ru_stime, "rss_mb": _peak_bytes() / MB}
    sys.stdout.write(json.dumps(found | cost) + "\n")


def _peak_bytes() -> int:
    """The most memory this program was resident in. Not ru_maxrss: that begins with the peak of who started it."""
    status = Path("/proc/self/status").read_text("ascii")
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def _ours(job: dict[str, Any]) -> dict[str, object]:
    from agent.net.links import Exit, now_s
    from agent.probes.bandwidth import look as looking
    from agent.probes.bandwidth.order import Findings, Order
    from agent.probes.bandwidth.province import run
    from agent.probes.trains import median

    until, found = now_s() + 60, Findings()
    order = Order(
        **job, public=False, leave=Exit(), ca_pem=b"", left=lambda: until - now_s(),
        look=lambda: looking.look(Path("/proc"), "line"), explain=lambda text: print(text, file=sys.stderr),
    )  # fmt: skip
    run(order, found)
    loaded = {way: median(course.rtts) for way, course in found.courses.items()}
    return {"bps": {way: c.bps for way, c in found.courses.items()}, "loaded_s": loaded, "moved": found.used}


def _theirs(mini: str) -> dict[str, object]:
    import speedtest

    def configured(test: Any) -> None:
        test.config.update({
            "client": {}, "ignore_servers": [], "sizes": SIZES, "counts": {"upload": 17, "download": 4},
            "threads": {"upload": 2, "download": 8}, "length": {"upload": 10, "download": 10}, "upload_max": 51,
        })  # fmt: skip

    speedtest.Speedtest.get_config = configured
    test = speedtest.Speedtest()
    test.get_best_server(test.set_mini_server(mini))
    bps = {"download": test.download(), "upload": test.upload()}
    return {"bps": bps, "loaded_s": {}, "moved": test.results.bytes_received + test.results.bytes_sent}


if __name__ == "__main__":
    main()
