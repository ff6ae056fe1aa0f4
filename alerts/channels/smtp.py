"""One exchange with a mail server that ends in time, whatever the server does."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Literal, Self

from alerts.channels.errors import ChannelError
from alerts.channels.post import Post, Secret


@dataclass(frozen=True, slots=True)
class Server:
    """Where to hand letters in, and as whom."""

    host: str
    port: int
    tls: Literal["starttls", "tls", "none"]
    user: str
    password: Secret | None


def deliver(server: Server, message: EmailMessage, post: Post) -> None:
    """Hand a message in. Raises ChannelError: permanent where the server said 5xx, else it may be tried again."""
    try:
        with _Session(server, post, str(message["From"].addresses[0].domain)) as session:
            session.greet()
            session.send_message(message)
    except smtplib.SMTPNotSupportedError:
        text = f"{server.host} offers no STARTTLS or no login there; see tls and port"
        raise ChannelError(text, permanent=True) from None
    except smtplib.SMTPRecipientsRefused as error:
        raise _refused(server, min(code for code, _ in error.recipients.values()), "the recipient") from None
    except smtplib.SMTPAuthenticationError as error:
        raise _refused(server, error.smtp_code, "the login") from None
    except smtplib.SMTPResponseException as error:
        raise _refused(server, error.smtp_code, "the letter") from None
    except ssl.SSLCertVerificationError:
        raise ChannelError(f"{server.host}: its certificate could not be verified; see ca_file") from None
    except TimeoutError:
        raise ChannelError(f"{server.host} did not answer within {post.timeout_s:g} s") from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise ChannelError(f"{server.host}: no connection, or it broke off ({type(error).__name__})") from None


def _refused(server: Server, code: int, what: str) -> ChannelError:
    # The server's own words may repeat what it was given: only its number is told.
    return ChannelError(f"{server.host} refused {what} ({code})", permanent=500 <= code < 600)


class _Session(smtplib.SMTP):
    """Closes the line when its time is over: a server that sends a byte now and then would hold it for ever."""

    def __init__(self, server: Server, post: Post, own_name: str) -> None:
        self.server, self.post = server, post
        self._context = post.tls()
        self._timer = threading.Timer(post.timeout_s, self._cut)
        self._timer.daemon = True
        self._timer.start()
        try:
            super().__init__(server.host, server.port, local_hostname=own_name, timeout=post.timeout_s)
        except BaseException:
            self.close()
            raise

    def greet(self) -> None:
        """TLS and login, where the server is set up for them."""
        if self.server.tls == "starttls":
            self.starttls(context=self._context)
        if self.server.password is not None:
            self.login(self.server.user, self.server.password.reveal())

    def __enter__(self) -> Self:
        return self

    def close(self) -> None:
        """However it ends."""
        self._timer.cancel()
        super().close()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        line = socket.create_connection((host, port), timeout)
        if self.server.tls != "tls":
            return line
        try:
            return self._context.wrap_socket(line, server_hostname=host)
        except BaseException:
            line.close()
            raise

    def _cut(self) -> None:
        line = self.sock
        if line is not None:
            with contextlib.suppress(OSError):
                # Not the TLS socket's own shutdown: that would take its state away from under the thread that reads.
                socket.socket.shutdown(line, socket.SHUT_RDWR)
