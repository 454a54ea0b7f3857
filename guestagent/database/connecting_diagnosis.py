"""Diagnoses of errors in connecting to the source: a login as a test, or the channel's receiver. Pure."""

from __future__ import annotations

from guestagent.database.error_diagnosis import FAIL, RETRY, build_rule

NO_PRIVILEGE = "the user lacks REPLICATION SLAVE"
NOTHING_LISTENS = "nothing listens there"
CHECK_LISTENER = "start the server there; check its port, bind_address and security group"
NO_ROUTE, CHECK_NETWORK = "no route to the source's address", "check the address and the network"
UNRESOLVED_NAME, CHECK_DNS = "the source's name does not resolve", "use an IP address, or check DNS"
USER_EXPIRED = "the user's password has expired"
CHECK_SOURCE_AGENT = "check that the source's agent is running: it sets the password again"
MALFORMED_RESPONSE = "malformed response"
"""Part of the text of an error if bytes came that no database server sends: those of SSH, or of MySQL's X protocol."""

OTHER_SERVICE, CHECK_PORT = (
    "another service answers at the source's port",
    "check Master.Port and Master.Address",
)

CONNECTING_RULES = (
    build_rule(
        RETRY, 1045, text="let in over TLS only",
        meaning="the account requires TLS, and GuestAgent.TLS.Required: false makes the channel unencrypted",
        advice="remove that key from the replica's metadata, or set it in the source's too",
    ),
    build_rule(
        RETRY, 1044, 1045, 1130,
        meaning="a wrong password, an unknown user, a user for other hosts, or one that must use TLS",
        advice="compare the user's name, password and network (GuestAgent.Network) in both nodes' metadata",
    ),
    build_rule(RETRY, 1227, meaning=NO_PRIVILEGE, advice="grant it on the source"),
    build_rule(RETRY, 1820, 1862, meaning=USER_EXPIRED, advice=CHECK_SOURCE_AGENT),
    build_rule(
        RETRY, 3955, 4150,
        meaning="the account is blocked after too many wrong passwords",
        advice="compare the user's password in both nodes' metadata; the source's agent then unblocks the account",
    ),
    build_rule(
        RETRY, 1184, text="init_connect",
        meaning="the source's init_connect fails for this account",
        advice="correct init_connect on the source: the account has only REPLICATION SLAVE",
    ),
    build_rule(
        RETRY, 3032,
        meaning="the source is in offline mode", advice="SET GLOBAL offline_mode = OFF on the source",
    ),
    build_rule(RETRY, 1040, 1203, 1226, meaning="too many connections", advice="raise the limit on the source"),
    build_rule(RETRY, 2002, 2003, text="no route to host", meaning=NO_ROUTE, advice=CHECK_NETWORK),
    build_rule(RETRY, 2002, 2003, text="connection refused", meaning=NOTHING_LISTENS, advice=CHECK_LISTENER),
    build_rule(RETRY, 2003, text="name or service", meaning=UNRESOLVED_NAME, advice=CHECK_DNS),
    build_rule(RETRY, 2003, text="name resolution", meaning=UNRESOLVED_NAME, advice=CHECK_DNS),
    build_rule(RETRY, 2013, text=MALFORMED_RESPONSE, meaning=OTHER_SERVICE, advice=CHECK_PORT),
    build_rule(
        RETRY, 2013, text="timed out",
        meaning="the source's port accepts the connection, but nothing responds in time",
        advice="check that a database server listens there (Master.Port), its load, and its init_connect",
    ),
    build_rule(
        RETRY, 2002, 2003, 2013,
        meaning="no answer from the source", advice="check firewall, security group and routes",
    ),
    build_rule(RETRY, 2006, meaning="the source ended the connection"),
    build_rule(RETRY, 2005, meaning=UNRESOLVED_NAME, advice=CHECK_DNS),
    build_rule(
        RETRY, 2026, text="default_verify_paths",
        meaning="the CA file cannot be read", advice="it must be readable by the database server",
    ),
    build_rule(
        RETRY, 2026, text="ssl is required",
        meaning="the source has no TLS",
        advice="set ssl_cert and ssl_key in its option file and restart it; TLS that was requested is never left out",
    ),
    build_rule(
        FAIL, 2026, text="guestagent.tls",
        meaning="the certificate in the metadata cannot be used", advice="correct it in the template",
    ),
    build_rule(
        RETRY, 2026, text="has expired",
        meaning="the source's certificate has expired",
        advice="renew it on the source; if it is still valid, compare the two nodes' clocks",
    ),
    build_rule(
        RETRY, 2026, text="not yet valid",
        meaning="the source's certificate is not valid yet", advice="compare the two nodes' clocks",
    ),
    build_rule(
        RETRY, 2026, text="mismatch",
        meaning="the source's certificate is for another name",
        advice="its subjectAltName must contain Master.Address exactly as written; or set GuestAgent.TLS.Verify: false",
    ),
    build_rule(
        RETRY, 2026, text="not valid for",
        meaning="the source's certificate is for another name",
        advice="its subjectAltName must contain Master.Address exactly as written; or set GuestAgent.TLS.Verify: false",
    ),
    build_rule(
        RETRY, 2026, text="issuer certificate",
        meaning="the source's certificate was not signed by the CA",
        advice="compare GuestAgent.TLS.CA with its ssl_cert",
    ),
    build_rule(
        RETRY, 2026, text="self-signed certificate",
        meaning="the source's certificate was not signed by the CA",
        advice="compare GuestAgent.TLS.CA with its ssl_cert",
    ),
    build_rule(
        RETRY, 2026, text="certificate required",
        meaning="the source requires a client certificate", advice="set GuestAgent.TLS.Certificate and Key",
    ),
    build_rule(
        RETRY, 2026,
        meaning="the source's certificate was not accepted",
        advice="check the CA, the dates, and that subjectAltName contains the address that the replica uses",
    ),
    build_rule(
        FAIL, 2061, 3159,
        meaning="the source admits encrypted connections only",
        advice="remove Required: false from the replica's GuestAgent.TLS",
    ),
)  # fmt: skip
