"""Three outcomes, never two, and the closed list of reasons behind the last two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Outcome = Literal["ok", "fail", "unknown"]

REASON_PATTERN: Final = r"^[a-z][a-z0-9_]{0,31}$"


@dataclass(frozen=True, slots=True)
class Result:
    """What one run found out: `ok`, or `fail`/`unknown` with a reason from `REASONS`."""

    outcome: Outcome
    reason: str | None = None

    def __post_init__(self) -> None:
        if (self.reason is None) != (self.outcome == "ok"):
            raise ValueError(f"outcome {self.outcome!r} with reason {self.reason!r}: only ok goes without a reason")


OK: Final = Result("ok")


def fail(reason: str) -> Result:
    """The target was asked and did not answer as it should."""
    return Result("fail", _declared(reason, FAIL_REASONS))


def unknown(reason: str) -> Result:
    """The target could not be asked: nothing is known of it, and nothing may be concluded."""
    return Result("unknown", _declared(reason, UNKNOWN_REASONS))


def _declared(reason: str, table: dict[str, str]) -> str:
    if reason not in table:
        raise ValueError(f"reason {reason!r} is not declared in wire/outcomes.py")
    return reason


FAIL_REASONS: Final[dict[str, str]] = {
    "no_answer": "every packet or attempt was lost until the time-out",
    "refused": "the target answered that it does not accept this",
    "unreachable": "a router on the way, or this machine, said that there is no way there",
    "not_resolved": "the name has no address, by an answer of the resolver",
    "dns_servfail": "the resolver answered that it could not find out (SERVFAIL)",
    "timeout_connect": "no connection came about in time",
    "timeout_tls": "the connection stood, but its encryption was not agreed upon in time",
    "timeout_answer": "the request was taken, and no first byte of an answer came in time",
    "timeout_transfer": "the answer began and did not come to its end in time",
    "reset": "the connection was closed from the other side before there was an answer",
    "tls_failed": "both sides did not agree upon an encryption",
    "cert_expired": "the certificate is not valid any more, or not yet",
    "cert_name": "the certificate was issued to other names than this one",
    "cert_untrusted": "the certificate is self-signed, or by an authority that this machine does not trust",
    "bad_answer": "what was answered is not of the protocol that was asked",
    "bad_status": "the service answered with a status that is not among the expected ones",
    "missing_text": "the expected text is not in the answer",
    "cut_short": "the answer ended before the length that it had declared",
    "redirect_loop": "the service sends from one address to the next without an end",
    "redirect_refused": "the service sends on to where the agent must not follow",
    "captive_portal": "not the service answered but the login page of a network on the way",
    "proxy_page": "not the service answered but a proxy or filter on the way",
}

UNKNOWN_REASONS: Final[dict[str, str]] = {
    "no_permission": "the operating system does not let the agent measure this; the detail names the remedy",
    "no_gateway": "this machine has no default route, so there is no gateway to ask",
    "no_interface": "this machine has not the interface or the address that the line is reached by",
    "no_resolver": "this machine knows no resolver, so there is none to ask",
    "not_wireless": "the default route does not go out by Wi-Fi, so there is no signal to read",
    "resolver_failed": "the resolver itself did not answer, so the target could not be asked",
    "unsupported": "this agent does not know this probe, or not on this kind of machine",
    "bad_settings": "the plan's settings for this probe are unusable; the detail names the key",
    "interrupted": "the agent or the machine stopped while this was being measured",
    "deadline": "the probe did not come to an end within its deadline and was abandoned",
    "overlap": "the previous run of this probe was still busy, so this one was not started",
    "probe_error": "the probe itself failed; the detail says how, and it is a fault of ours",
    "no_network": "this machine has no network interface that is up",
    "no_way": "this machine itself knows no way to such an address (no route, or no IPv6), so nothing was asked",
    "line_down": "the line that it is reached by was down, so nothing was asked or nothing may be concluded",
    "clock_wrong": "this machine's clock is wrong, so whether a certificate is still valid cannot be judged",
    "no_lease": "the collector gave no permission to load the line, or could not be asked for it",
    "line_busy": "the line carried other traffic, so it was not tested: people come first",
    "machine_busy": "this machine was busy, so a test would have measured the machine",
    "cpu_bound": "the test was held back by this machine's processor, not by the line",
    "nic_bound": "the test was held back by this machine's network port, not by the line",
    "contaminated": "other traffic shared the line while it was tested",
    "server_bound": "the test was held back by the measurement server, not by the line",
    "aborted": "the test did not come to its end, so it has no figure",
    "no_counter": "the interface or the router has no such counter to read",
    "no_reflector": "no reflector answered, though the line did",
}

# Reasons that the collector's judge gives to states; they never travel in an observation.
STATE_REASONS: Final[dict[str, str]] = {
    "silent": "the agent that measures this has not been heard",
    "never_measured": "no measurement has arrived yet",
    "stale": "the last measurement is older than three periods",
    "paused": "measuring was paused by a person",
    "decommissioned": "a person took it out of service, so nothing is asked of it",
    "loss": "packets are lost, and the lower bound of the interval is over the limit",
    "slow": "the median is over the limit",
    "port_slow": "the network port runs below its nominal speed",
    "below_contract": "so many valid tests in a row were below the share of the contracted speed that is due",
    "line_full": "95 % of the 5-minute use over 7 days is over the share of the capacity that may be used",
    "dns_failed": "the line answers, but no resolver of it does, so many times in a row",
    "dns_slow": "the line's resolver answers, and its median time is over the limit",
    "wifi_weak": "the median of the Wi-Fi signal is below the limit",
    "not_measurable": "nothing at the centre can send by this line alone, so it cannot be judged from here",
    "gateway_mute": "the gateway does not answer, but what lies behind it does: it is only silent, not broken",
    "lan_unknown": "the centre's own network was not measured, so a dead line cannot be told from a dead network",
    "clock_unsure": "measured before a restart with a clock that could not be checked",
    "lan_down": "the centre's own network does not answer, so nothing behind it can be judged",
    "no_line": "no line of the centre is usable",
    "on_backup": "the centre works over its backup line",
    "own_fault": "a device, the network or a line of the centre itself is not well",
    "clock_skew": "the agent's clock is wrong by more than 120 s",
    "spool_old": "the agent holds results that are older than an hour",
    "disk_low": "a disk is nearly full",
    "temperature": "a sensor is over its limit",
    "memory_low": "memory is nearly used up",
    "on_battery": "the machine runs on its battery",
    "line_unknown": "no line of the centre is known to work, so a dead service cannot be told from a dead line",
    "cert_ending": "the certificate will end soon",
    "service_down": "so many centres whose lines are fine cannot use it that the fault is the service's own",
    "service_slow": "it is slow for so many centres whose lines are fine that the fault is the service's own",
    "too_few": "too few centres measure it to tell a fault of its own from a fault of theirs",
    "seen_from_province": "the agent is not heard, but the line's far end answers the province",
    "lost_from_province": "the agent is not heard, and the line's far end stopped answering the province",
    "mute_to_province": "the agent is not heard, and the line's far end was not seen to answer the province before",
    "vantage_unwell": "the agent is not heard, and the province loses most of what it asks: the fault may be its own",
    "line_answers": "the agent is not heard, but a line of the centre answers the province",
    "nobody_measures": "no agent measures any line of the centre",
    "batch_conflict": "the agent sent two different batches under one number",
    "cloned": "two machines speak as the same agent",
}

REASONS: Final[dict[str, str]] = FAIL_REASONS | UNKNOWN_REASONS | STATE_REASONS
