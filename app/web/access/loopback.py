"""Which addresses only this machine reaches."""

import functools
import ipaddress
import os
import socket


@functools.lru_cache(4096)
def is_loopback(address: str) -> bool:
    """Whether it is an address of 127.0.0.0/8 or ::1. A name is none; False for it."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback


@functools.lru_cache(4096)
def is_elsewhere(address: str) -> bool:
    """Whether it is an address of another machine. A name, such as a transport within a process has, is none."""
    try:
        ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return not is_loopback(address)


def listens_on_loopback(host: str) -> bool:
    """Whether a server that listens on `host`, which may be a name, is reached from this machine alone."""
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # then nothing can listen there
        return is_loopback(host)
    return all(is_loopback(str(address[0])) for *_, address in found)


def socket_on_loopback(fd: int) -> bool:
    """The same of a socket that listens already. A Unix one is reached by whoever may open its file, mostly a proxy."""
    with socket.socket(fileno=os.dup(fd)) as listener:
        if listener.family not in (socket.AF_INET, socket.AF_INET6):
            return False
        return is_loopback(str(listener.getsockname()[0]))
