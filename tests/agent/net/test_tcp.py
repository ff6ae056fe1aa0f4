"""Trains of TCP connections on loopback."""

from __future__ import annotations

import socket
import threading

from agent.net.links import now_s
from agent.net.tcp import LONGEST_WAIT_S, TcpLink


def test_a_connection_that_stands_is_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, TcpLink("127.0.0.1", server.getsockname()[1]) as link:
        begun = now_s()
        for number in range(3):
            link.send(number)
        heard = [link.receive(1.0) for _ in range(3)]
    assert sorted(h.number for h in heard if h is not None) == [0, 1, 2]
    assert all(h is not None and h.refusal is None and 0 <= h.at - begun < 1 for h in heard)


def test_a_reset_is_an_answer_too() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        port = server.getsockname()[1]
    with TcpLink("::1", port) as link:
        link.send(7)
        heard = link.receive(1.0)
    assert heard is not None
    assert (heard.number, heard.by, heard.refusal) == (7, "::1", None)


def test_silence_is_nothing() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        with TcpLink("127.0.0.1", deaf.getsockname()[1]) as link:
            assert link.receive(0.0) is None


def test_what_was_opened_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        closed = threading.Event()

        def wait_for_the_end() -> None:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(5)
                if connection.recv(1) == b"":
                    closed.set()

        thread = threading.Thread(target=wait_for_the_end)
        thread.start()
        with TcpLink("127.0.0.1", server.getsockname()[1]) as link:
            link.send(0)
        thread.join(5)
    assert closed.is_set()


def test_no_connection_is_waited_for_into_the_second_syn() -> None:
    assert LONGEST_WAIT_S < 1
