"""What a client's certificate says: names as RabbitMQ writes them, and the user it stands for.

Pure: works on what `ssl.SSLObject.getpeercert` gives.  Whether a certificate is to be believed
was decided before, by TLS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

Name = Sequence[Sequence[tuple[str, str]]]

# Attribute types by OpenSSL's long names, in RabbitMQ's short ones; others keep their own.
SHORT = {
    "commonName": "CN",
    "countryName": "C",
    "domainComponent": "DC",
    "emailAddress": "EMAILADDRESS",
    "generationQualifier": "GENERATIONQUALIFIER",
    "givenName": "GIVENNAME",
    "initials": "INITIALS",
    "localityName": "L",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "pseudonym": "PSEUDONYM",
    "serialNumber": "SERIALNUMBER",
    "stateOrProvinceName": "ST",
    "streetAddress": "STREET",
    "surname": "SN",
    "title": "TITLE",
    "userId": "UID",
}
_SPECIAL = re.compile(rb'[,+"\\<>;]|^[ #]| $')
# As RabbitMQ, which spares itself the tilde, too.
_NOT_PLAIN = re.compile(rb"[^ -}]")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class Certificate(NamedTuple):
    """A verified certificate: `subject` and `issuer` as RFC 4514 text, `validity` as two times.

    `common_name` is empty where there is none; `alternatives` are pairs of kind (DNS, email, URI,
    IP Address) and value, in the certificate's order.
    """

    subject: str
    issuer: str
    validity: str
    common_name: str
    alternatives: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, decoded: Mapping[str, Any]) -> Certificate:
        """From what getpeercert gives for a certificate that was verified."""
        subject: Name = decoded.get("subject", ())
        names = [value for rdn in subject for kind, value in rdn if kind == "commonName"]
        return cls(
            format_name(subject),
            format_name(decoded.get("issuer", ())),
            f"{_time(decoded['notBefore'])} - {_time(decoded['notAfter'])}",
            ",".join(names),
            tuple(decoded.get("subjectAltName", ())),
        )

    def user_name(self, source: str) -> str | None:
        """Whom the certificate stands for, by `source`, a key of USER_NAMES; None: nobody."""
        return USER_NAMES[source](self) or None


def _alternative(kind: str) -> Callable[[Certificate], str | None]:
    def first(certificate: Certificate) -> str | None:
        return next((value for k, value in certificate.alternatives if k == kind), None)

    return first


# The values of the option tls_username_from.
USER_NAMES: dict[str, Callable[[Certificate], str | None]] = {
    "distinguished_name": lambda certificate: certificate.subject,
    "common_name": lambda certificate: certificate.common_name,
    "san_dns": _alternative("DNS"),
    "san_email": _alternative("email"),
    "san_uri": _alternative("URI"),
    "san_ip": _alternative("IP Address"),
}


def format_name(name: Name) -> str:
    """A distinguished name as text, the most specific part first."""
    return ",".join(
        "+".join(f"{SHORT.get(kind, kind)}={_escaped(value)}" for kind, value in rdn)
        for rdn in reversed(name)
    )


def _escaped(value: str) -> str:
    special = _SPECIAL.sub(lambda found: b"\\" + found[0], value.encode())
    return _NOT_PLAIN.sub(lambda found: b"\\%02X" % found[0][0], special).decode()


def _time(text: str) -> str:
    # `Jan  5 09:34:43 2028 GMT`, the only form there is.
    month, day, clock, year, _ = text.split()
    return f"{year}-{_MONTHS.index(month) + 1:02}-{int(day):02}T{clock}Z"
