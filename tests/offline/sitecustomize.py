# ruff: noqa: INP001 - found on the path, not imported
"""Every Python process of the tests starts with this: no name is looked up and no host reached but this one.

As on a machine without a network, so that whoever asks for one fails here too. What is not Python goes unnoticed.
"""

import errno
import ipaddress
import socket
import sys


def _is_here(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if not name or name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(str(name).partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        try:
            ipaddress.ip_address(str(arguments[0]).partition("%")[0])
        except ValueError:
            if not _is_here(arguments[0]):
                raise socket.gaierror(socket.EAI_AGAIN, "no names are looked up during the tests") from None
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        if isinstance(address, tuple) and not _is_here(address[0]):
            raise OSError(errno.ENETUNREACH, "no network during the tests")


sys.addaudithook(_refuse)
