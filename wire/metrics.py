"""Every number that may travel: name, base unit, what its `of` label means, how long it stays at full resolution.

Names are `motcua_<subject>_<quantity>_<unit>`. Adding a row is safe; renaming or removing one is a decision record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Metric:
    """One declared quantity. `of` names what the instance label holds; None means that there is no label.

    `keep_days` is set where a rule needs every sample for that long, whatever the size of the province.
    """

    name: str
    help: str
    of: str | None = None
    keep_days: int | None = None

    @property
    def subject(self) -> str:
        return self.name.split("_")[1]

    @property
    def unit(self) -> str:
        return self.name.rsplit("_", 1)[1]


def _reach(subject: str) -> list[Metric]:
    return [
        Metric(f"motcua_{subject}_sent_packets", "echo requests sent in one train"),
        Metric(f"motcua_{subject}_received_packets", "echo replies that came back within the time-out"),
        Metric(f"motcua_{subject}_loss_ratio", "share of the train that was lost"),
        Metric(f"motcua_{subject}_loss_low_ratio", "lower bound of the loss, Wilson interval at 95 %"),
        Metric(f"motcua_{subject}_loss_high_ratio", "upper bound of the loss, Wilson interval at 95 %"),
        Metric(f"motcua_{subject}_rtt_seconds", "median round trip of the train"),
        Metric(f"motcua_{subject}_rtt_min_seconds", "shortest round trip of the train"),
        Metric(f"motcua_{subject}_rtt_max_seconds", "longest round trip of the train"),
        Metric(f"motcua_{subject}_jitter_seconds", "mean difference between neighbouring round trips"),
    ]


_DEVICE: Final = [
    Metric("motcua_device_cpu_ratio", "share of all processors that was busy since the last run"),
    Metric("motcua_device_memory_total_bytes", "memory installed"),
    Metric("motcua_device_memory_used_ratio", "share of memory that is not available to a new program"),
    Metric("motcua_device_swap_used_ratio", "share of the swap space in use"),
    Metric("motcua_device_disk_total_bytes", "size of a file system", of="mount point"),
    Metric("motcua_device_disk_free_bytes", "bytes that an ordinary user may still write", of="mount point"),
    Metric("motcua_device_disk_used_ratio", "share of a file system in use, as df counts it", of="mount point"),
    Metric("motcua_device_inodes_used_ratio", "share of a file system's inodes in use", of="mount point"),
    Metric("motcua_device_temperature_celsius", "a sensor's reading", of="sensor"),
    Metric("motcua_device_battery_ratio", "charge of the battery"),
    Metric("motcua_device_battery_plugged", "1 on mains, 0 on battery"),
    Metric("motcua_device_network_receive_bytes", "bytes received since the interface came up", of="interface"),
    Metric("motcua_device_network_transmit_bytes", "bytes sent since the interface came up", of="interface"),
    Metric("motcua_device_network_errors_packets", "packets in error or dropped, both ways", of="interface"),
    Metric("motcua_device_network_speed_bps", "speed at which the port runs", of="interface"),
    Metric("motcua_device_uptime_seconds", "time since the machine was started, suspend included"),
    Metric("motcua_device_boots_count", "starts of the machine that the agent has seen since it was enrolled"),
    Metric("motcua_device_clock_offset_seconds", "the machine's clock minus the collector's, at the last answer"),
]

_LINE: Final = [
    Metric("motcua_line_dns_seconds", "time until a resolver's answer", of="resolver"),
    Metric("motcua_line_dns_passed_ratio", "1 where the resolver found the name's address, 0 where not", of="resolver"),
]

# A test that is not valid says less of the line than of something else: its figures are series of their own.
_STAMP: Final = "stamp of the test, `valid` or why not"
_WAY: Final = "direction, download or upload"
_CLASS: Final = "class of the packets (DSCP), such as ef or be"

_BANDWIDTH: Final = [
    Metric("motcua_line_download_bps", "speed of a test towards the centre", of=_STAMP),
    Metric("motcua_line_download_low_bps", "lower bound of the speed towards the centre, 95 %", of=_STAMP),
    Metric("motcua_line_download_high_bps", "upper bound of the speed towards the centre, 95 %", of=_STAMP),
    Metric("motcua_line_upload_bps", "speed of a test from the centre, by what the server received", of=_STAMP),
    Metric("motcua_line_upload_low_bps", "lower bound of the speed from the centre, 95 %", of=_STAMP),
    Metric("motcua_line_upload_high_bps", "upper bound of the speed from the centre, 95 %", of=_STAMP),
    Metric("motcua_line_idle_rtt_seconds", "median round trip right before a test loaded the line"),
    Metric("motcua_line_loaded_rtt_seconds", "median round trip while a test loaded the line", of=_WAY),
    Metric("motcua_line_responsiveness_hertz", "round trips a second that fit in while the line was loaded", of=_WAY),
    Metric("motcua_line_test_bytes", "bytes that a test moved, both ways"),
    Metric("motcua_line_test_seconds", "time that a test loaded the line", of=_WAY),
    Metric("motcua_line_test_streams_count", "connections that carried a test", of=_WAY),
    Metric("motcua_line_test_cpu_ratio", "share of all processors busy while a test ran"),
]

_USE: Final = [
    # Every 5 minutes: 35 days of them are what the 95th percentile over 7 days is judged from, and argued about.
    Metric("motcua_line_receive_bps", "mean use towards the centre since the last run", keep_days=35),
    Metric("motcua_line_transmit_bps", "mean use from the centre since the last run", keep_days=35),
    Metric("motcua_line_errors_packets", "packets in error or dropped since the last run, both ways"),
    Metric("motcua_line_port_bps", "speed at which the line's port runs"),
    Metric("motcua_line_port_duplex_ratio", "1 where the line's port runs in full duplex, 0.5 in half duplex"),
    Metric("motcua_line_port_up_ratio", "1 where the line's port has a carrier, 0 where not"),
]

_PATH: Final = [
    Metric("motcua_line_path_hops_count", "routers on the way that answered or were passed"),
    Metric("motcua_line_path_rtt_seconds", "round trip to the last hop that answered"),
]

_QUALITY: Final = [
    Metric("motcua_line_udp_sent_packets", "packets of a UDP train that were sent", of=_CLASS),
    Metric("motcua_line_udp_received_packets", "packets of a UDP train that came back", of=_CLASS),
    Metric("motcua_line_udp_loss_ratio", "share of a UDP train that was lost, there and back", of=_CLASS),
    Metric("motcua_line_udp_loss_low_ratio", "lower bound of the loss, Wilson interval at 95 %", of=_CLASS),
    Metric("motcua_line_udp_loss_high_ratio", "upper bound of the loss, Wilson interval at 95 %", of=_CLASS),
    Metric("motcua_line_udp_lost_up_ratio", "share lost on the way from the centre", of=_CLASS),
    Metric("motcua_line_udp_rtt_seconds", "median round trip of a UDP train", of=_CLASS),
    Metric("motcua_line_udp_jitter_seconds", "interarrival jitter towards the centre (RFC 3550 §6.4.1)", of=_CLASS),
    Metric("motcua_line_udp_jitter_up_seconds", "interarrival jitter from the centre (RFC 3550 §6.4.1)", of=_CLASS),
]

_LAN: Final = [
    Metric("motcua_lan_wifi_signal_dbm", "strength at which the access point is received", of="interface"),
    Metric("motcua_lan_wifi_quality_ratio", "quality of the link as its driver rates it", of="interface"),
]

_IP: Final = "version of IP, ipv4 or ipv6"

_SERVICE: Final = [
    Metric("motcua_service_passed_ratio", "1 where the service passed over this version of IP, 0 where not", of=_IP),
    Metric("motcua_service_dns_seconds", "time to find the address, over all redirects", of=_IP),
    Metric("motcua_service_connect_seconds", "time for the TCP connection, over all redirects", of=_IP),
    Metric("motcua_service_tls_seconds", "time to agree upon the encryption, over all redirects", of=_IP),
    Metric("motcua_service_ttfb_seconds", "time from the request to the first byte, over all redirects", of=_IP),
    Metric("motcua_service_transfer_seconds", "time from the first byte to the last, over all redirects", of=_IP),
    Metric("motcua_service_total_seconds", "the sum of all phases of a run that passed", of=_IP),
    Metric("motcua_service_status_code", "status of the last answer, of HTTP or SMTP", of=_IP),
    Metric("motcua_service_redirects_count", "redirects followed", of=_IP),
    Metric("motcua_service_body_bytes", "bytes of the last answer's body that were read", of=_IP),
    Metric("motcua_service_certificate_left_seconds", "time until the certificate ends, negative after it", of=_IP),
]

_AGENT: Final = [
    Metric("motcua_agent_cpu_ratio", "share of one core that the agent used since its last report"),
    Metric("motcua_agent_memory_bytes", "resident memory of the agent"),
    Metric("motcua_agent_spool_bytes", "size of the spool on disk"),
    Metric("motcua_agent_spool_batches", "batches waiting for a receipt"),
    Metric("motcua_agent_spool_oldest_seconds", "age of the oldest batch that waits"),
    Metric("motcua_agent_disk_free_bytes", "bytes free where the spool lives"),
    Metric("motcua_agent_dropped_count", "observations thinned or dropped since the spool was made"),
    Metric("motcua_agent_rejected_count", "observations that the collector refused since the spool was made"),
    Metric("motcua_agent_send_failures_count", "posts that failed since the agent started"),
    Metric("motcua_agent_overlaps_count", "runs not started because the previous one was still busy, since start"),
    Metric("motcua_agent_clock_steps_count", "steps of the wall clock noticed since the agent started"),
    Metric("motcua_agent_spool_resets_count", "spool files set aside as damaged since enrolment"),
]

METRICS: Final[dict[str, Metric]] = {
    m.name: m
    for m in [
        *_reach("lan"),
        *_LAN,
        *_reach("line"),
        *_LINE,
        *_BANDWIDTH,
        *_USE,
        *_PATH,
        *_QUALITY,
        *_DEVICE,
        *_SERVICE,
        *_AGENT,
    ]
}
