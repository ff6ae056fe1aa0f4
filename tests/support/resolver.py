"""A resolver on this machine that answers as it is told, over UDP and TCP on one port."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

Reply = Callable[[bytes, bool], bytes | None]
"""From a question, and whether it came by TCP, to a message; None: silence."""

ADDRESS: Final = bytes([192, 0, 2, 9])


def message(question: bytes, *, rcode: int = 0, flags: int = 0x8180, address: bytes | None = ADDRESS) -> bytes:
    """An answer to a question; with an A record behind an alias, or without a record."""
    head = question[:2] + (flags | rcode).to_bytes(2, "big") + b"\0\1"
    if address is None:
        return head + bytes(6) + question[12:]
    alias = b"\xc0\x0c" + b"\0\5\0\1" + bytes(4) + b"\0\2\xc0\x0c"
    record = b"\xc0\x0c" + b"\0\1\0\1" + bytes(4) + b"\0\4" + address
    return head + b"\0\2" + bytes(4) + question[12:] + alias + record


def name_in(question: bytes) -> str:
    """The name that a question asks for."""
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode())
        at += question[at] + 1
    return ".".join(labels)


@contextmanager
def resolver(reply: Reply, host: str = "127.0.0.1") -> Iterator[int]:
    """Answer every question by `reply`; gives the port."""
    with socket.create_server((host, 0)) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((host, tcp.getsockname()[1]))
        threads = [threading.Thread(target=_udp, args=(udp, reply)), threading.Thread(target=_tcp, args=(tcp, reply))]
        for thread in threads:
            thread.start()
        try:
            yield tcp.getsockname()[1]
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bell:
                bell.sendto(b"", udp.getsockname())
            tcp.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(5)


def _udp(sock: socket.socket, reply: Reply) -> None:
    while True:
        question, source = sock.recvfrom(4096)
        if not question:
            return
        if (answer := reply(question, False)) is not None:
            sock.sendto(answer, source)


def _tcp(listener: socket.socket, reply: Reply) -> None:
    while True:
        try:
            conn, _ = listener.accept()
        except OSError:
            return
        with conn:
            conn.settimeout(5)
            question = conn.recv(4096)[2:]
            answer = reply(question, True) or b""
            conn.sendall(len(answer).to_bytes(2, "big") + answer)
