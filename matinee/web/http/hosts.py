"""The host names under which a server answers.

A page under a foreign name that is made to lead here (DNS rebinding) must not use a server on
somebody's own machine, and links that a page shows must not contain a name that a client made up.
Starlette's TrustedHostMiddleware answers in plain text, refuses health checks by address, and
redirects to "www."; requests here get a problem document, and redirects no host at all.
"""

import re
from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from starlette.types import Scope

from matinee.errors import SettingError
from matinee.web.http.problems import Problem

ANY = "*"
LOCAL = ("localhost", "127.0.0.1", "[::1]")
"""The names of a machine for itself."""
_HEALTH = "/health/"
_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::([0-9]{0,5}))?")
_NAME = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9_])?")


def parse_allowed_host(text: str) -> str:
    """A name for the list of allowed ones: "films.example", "*.films.example", an address, or "*".

    Raises:
        SettingError: it is none of these.
    """
    name = text.strip().lower().removesuffix(".")
    if name == ANY:
        return name
    if not name.isascii():
        name = _in_ascii(name)
    address = _address(name)
    if address is not None:
        return address
    if _NAME.fullmatch(name) and ".." not in name:
        return name
    raise SettingError(
        "An allowed host is a name such as films.example, *.films.example for all names below it, "
        f"an address such as 192.0.2.7 or [2001:db8::1], or * for all, not '{text}'. It has no "
        "scheme, port or path."
    )


def allowed_hosts(given: Iterable[str], listens_on: str, *, has_proxy: bool) -> tuple[str, ...]:
    """The names that a server answers under.

    Args:
        given: by the operator, as `parse_allowed_host` returns them; if there are none, a server
            that only its own machine reaches answers under the names of that machine, and others
            under any name.
        listens_on: the address that the server listens on.
        has_proxy: whether requests come from a proxy, which has names of its own.
    """
    names = tuple(dict.fromkeys(given))
    if ANY in names:
        return (ANY,)
    own = _address(listens_on) or listens_on.lower()
    if names:
        return (*names, *(name for name in LOCAL if name not in names))
    if has_proxy or not _is_loopback(listens_on):
        return (ANY,)
    return LOCAL if own in LOCAL else (*LOCAL, own)


def check_host(scope: Scope, allowed: Sequence[str]) -> None:
    """Raises Problem, 400, for a request to a host that is not allowed. Health checks may use any
    address, and a request without a host is for the address that it came to."""
    if ANY in allowed or scope["path"].startswith(_HEALTH):
        return
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    if len(hosts) > 1:
        raise Problem(400, "several-hosts", "The request has several Host headers; send one.")
    if not hosts or not hosts[0]:
        return
    name = host_name(hosts[0])
    if name is None or not any(_matches(name, pattern) for pattern in allowed):
        shown = "a Host header that is not a name" if name is None else f"the host '{name}'"
        raise Problem(
            400,
            "unknown-host",
            f"This server does not answer under {shown}. If it should, start it with "
            "--allowed-hosts and that name.",
        )


def host_name(header: str) -> str | None:
    """The name or address in a Host header, without the port and in one spelling; None if the
    header is malformed."""
    found = _HOST.fullmatch(header.lower())
    if found is None:
        return None
    name = found[1].removesuffix(".")
    return (_address(name) or None) if name.startswith("[") else _address(name) or name


def origin_of(scheme: str, host: str) -> str:
    """The origin of pages from a host, as browsers write it: without the port that the scheme
    implies."""
    port = {"http": ":80", "https": ":443"}.get(scheme, "")
    return f"{scheme}://{host.lower().removesuffix(port) if port else host.lower()}"


def relative_location(location: str) -> str:
    """The address of a redirect without its scheme and host, which a client may have made up."""
    found = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", location)
    if found is None:
        return location
    path = location[found.end() :]
    # "//other.example" would be a host again
    return f"/{path.lstrip('/')}" if path[:1] in ("/", "") else f"/{path}"


def _matches(name: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return name.endswith(pattern[1:]) and len(name) > len(pattern) - 1
    return name == pattern


def _address(text: str) -> str | None:
    """An IP address as it stands in a Host header; None if the text is none."""
    try:
        parsed = ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    return f"[{parsed}]" if parsed.version == 6 else str(parsed)


def _is_loopback(host: str) -> bool:
    address = _address(host)
    if address is None:
        return host.lower() == "localhost"
    return ip_address(address.strip("[]")).is_loopback


def _in_ascii(name: str) -> str:
    """A name in the letters in which browsers send it."""
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return name
