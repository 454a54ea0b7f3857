"""Documents for property tests: good ones as values, and anything at all in any place of one."""

from __future__ import annotations

import copy
import datetime
import json
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from hypothesis import strategies as st

from guestagent.metadata import (
    CfnHandle,
    DataVolume,
    Document,
    Donor,
    DonorService,
    Handle,
    HotHandle,
    JoiningReplica,
    Section,
    Seeding,
    Source,
    Tls,
    UnresolvedFunction,
    User,
)
from guestagent.metadata import dump as _dump
from guestagent.metadata.host_patterns import find_host_patterns
from guestagent.metadata.template_functions import FUNCTIONS, encode_canonical_json
from guestagent.metadata.unusable_addresses import explain_unusable
from guestagent.secret import Secret
from tests.support.raw_documents import PEM, PRIVATE_KEY, URL

_printable = st.characters(exclude_categories=("Cc", "Cs"), max_codepoint=0xFFFF)
_words = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,20}", fullmatch=True)


def _unresolved(text: str, function: object) -> UnresolvedFunction:
    return UnresolvedFunction(text, encode_canonical_json(function) or "")


functions = st.one_of(
    _words.map(lambda name: _unresolved(name, {"Ref": name})),
    _words.map(lambda name: _unresolved(name, {"get_param": name})),
    st.tuples(_words, _words).map(lambda two: _unresolved(".".join(two), {"Fn::GetAtt": list(two)})),
    st.tuples(_words, _words).map(lambda two: _unresolved(f"{two[0]}.{two[1]}.0", {"get_attr": [*two, 0]})),
    st.text(_printable).map(
        lambda text: _unresolved("Fn::Join(A)", {"Fn::Join": [text, ["b", {"Ref": "A"}]]})
    ),
)
names = st.text(_printable, min_size=1, max_size=32).filter(
    lambda name: name.strip(" ") == name and not (len(name) > 1 and name[0] == name[-1] == "'")
)
passwords = st.text(_printable, min_size=1, max_size=32).map(Secret)
users = st.builds(User, names | functions, passwords | functions)
user_lists = st.lists(users, max_size=4, unique_by=lambda user: user.name).map(tuple)
addresses = st.one_of(
    st.ip_addresses().map(str).filter(lambda address: explain_unusable(address) is None),
    st.sampled_from(["db.example", "db-1", "1.example.com", "localhost", "x" * 63 + ".example"]),
)
networks = st.one_of(
    st.ip_addresses(v=4).flatmap(
        lambda address: st.integers(0, 32).map(lambda prefix: IPv4Network((address, prefix), strict=False))
    ),
    st.ip_addresses(v=6).flatmap(
        lambda address: st.integers(0, 8).map(
            lambda groups: IPv6Network((address, 16 * groups), strict=False)
        )
    ),
).filter(lambda network: find_host_patterns(network) is not None)
handles: st.SearchStrategy[Handle] = st.one_of(
    st.just(CfnHandle(Secret(URL))),
    st.just(HotHandle(Secret(json.dumps({"alarm_url": URL})))),
    st.just(HotHandle(Secret(json.dumps({"token": "t", "endpoint": URL})))),
    functions,
)
encryptions = st.one_of(
    st.builds(Tls, st.none() | st.just(PEM) | functions, st.booleans(), client_certificates=st.booleans()),
    st.builds(Tls, certificate=st.just(PEM) | functions, key=st.just(Secret(PRIVATE_KEY)) | functions),
    st.just(Tls(required=False)),
)
variables = st.one_of(
    st.tuples(st.sampled_from(["innodb_buffer_pool_size", "tmp_table_size"]), st.integers(2**23, 2**63 - 1)),
    st.tuples(
        st.sampled_from(["join_buffer_size", "max_binlog_size"]), st.sampled_from(["64M", "1g", "8192"])
    ),
    st.tuples(
        st.sampled_from(["local_infile", "skip_name_resolve"]), st.booleans() | st.sampled_from([0, "on"])
    ),
    st.tuples(st.just("long_query_time"), st.sampled_from([2, "0.5"])),
    st.tuples(st.just("binlog_row_image"), st.sampled_from(["full", "MINIMAL"])),
    st.tuples(st.just("sql_mode"), st.from_regex(r"[A-Z_,]{0,50}", fullmatch=True)),
    st.tuples(st.just("sql_mode"), functions),
)
volumes = st.builds(
    DataVolume,
    st.uuids().map(str) | functions,
    st.integers(1, 16384),
    st.sampled_from(["xfs", "ext4"]),
    st.booleans(),
)
methods = st.sampled_from(["auto", "replay", "clone", "backup", "dump"])
ports = st.integers(1, 65535)
rate_limits = st.none() | st.integers(1, 100_000)
donors = st.builds(
    Donor, users, ports, st.none() | st.from_regex(r"[0-9a-f]{64}", fullmatch=True) | functions
)
seedings = st.builds(
    Seeding,
    methods,
    rate_limits,
    st.integers(1, 2_592_000),
    st.none() | donors,
    st.booleans(),
    st.booleans(),
    st.none() | st.integers(0, 2**60),
    st.none() | st.integers(0, 2**60),
)
joining_replicas = st.builds(
    JoiningReplica,
    st.from_regex(r"[A-Za-z0-9_.-]{1,40}", fullmatch=True),
    users,
    names | functions,
    methods,
    st.integers(1, 2_592_000),
)
joining_replica_lists = st.lists(
    joining_replicas, max_size=3, unique_by=(lambda each: each.node, lambda each: each.user.name)
).map(tuple)
donor_services = st.one_of(
    st.builds(DonorService, joining_replica_lists, ports, rate_limit=rate_limits),
    st.builds(
        DonorService,
        joining_replica_lists,
        ports,
        st.just(PEM) | functions,
        st.just(Secret(PRIVATE_KEY)) | functions,
    ),
)
sections = st.builds(
    Section,
    node=st.none() | st.from_regex(r"[A-Za-z0-9_.-]{1,40}", fullmatch=True),
    generation=st.integers(1, 10**6),
    server_id=st.none() | st.integers(1, 2**32 - 1),
    deadline=st.integers(1, 43200),
    network=st.none() | networks,
    tls=st.none() | encryptions,
    seeding=seedings,
    max_lag=st.integers(0, 86400),
    polling_interval=st.none() | st.integers(1, 3600),
    variables=st.lists(variables, max_size=3).map(dict),
    volume=st.none() | volumes,
    donor=st.none() | donor_services,
    verification=st.none() | users,
)


def has_distinct_names(document: Document) -> bool:
    """Return whether no two accounts of the document have one name."""
    source, section = document.source, document.section
    accounts = [
        *document.users,
        *(() if source is None else (source.user,)),
        *(() if section.seeding.donor is None else (section.seeding.donor.user,)),
        *(() if section.donor is None else (replica.user for replica in section.donor.replicas)),
        *(() if section.verification is None else (section.verification,)),
    ]
    return len({account.name for account in accounts}) == len(accounts)


sources = st.builds(Source, addresses | functions, users, st.integers(1, 65535))
documents = st.one_of(
    st.builds(Document, handles, user_lists, section=sections),
    st.builds(Document, handles, source=sources, section=sections),
).filter(has_distinct_names)


_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not number.is_integer())
    | st.text(max_size=40)
    | st.sampled_from(
        ["3306", "0", "007", "70000", "http://", "{}", "10.0.0.1/24", "a" * 300, "\ud800", "\n", "x\n"]
    )
)
_keys = (
    st.sampled_from(
        ["ReadyWaitCondition", "Users", "Master", "GuestAgent", "name", "password", "User", "Version"]
    )
    | st.sampled_from([*FUNCTIONS, "Fn::Nonsense", "alarm_url"])
    | st.text(max_size=5)
)
json_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3),
    max_leaves=8,
)
_strangers = st.one_of(
    st.binary(max_size=4),
    st.integers(5000, 6000).map(lambda digits: 10**digits),  # Python refuses to write these
    st.floats(),
    st.dates(),
    st.datetimes(timezones=st.none() | st.just(datetime.timezone.utc)),
    st.tuples(st.integers()),
    st.sets(st.integers(), max_size=2),
    st.dictionaries(st.integers() | st.none() | st.binary(max_size=2), st.none(), max_size=2),
    st.just(object()),
)
garbage = json_values | _strangers


@st.composite
def damaged_documents(draw: st.DrawFn, by: st.SearchStrategy[Any] = garbage) -> object:
    """A good document as it travels, with up to three places replaced, removed or added."""
    whole: dict[str, Any] = {"document": copy.deepcopy(_dump(draw(documents)))}
    for _ in range(draw(st.integers(0, 3))):
        _spoil(draw, whole, by)
    return whole["document"]


def _spoil(draw: st.DrawFn, whole: dict[str, Any], by: st.SearchStrategy[Any]) -> None:
    holder: Any = whole
    key: Any = "document"
    while isinstance(holder[key], dict | list) and holder[key] and draw(st.integers(0, 5)):
        holder = holder[key]
        key = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder))))
    change = draw(st.sampled_from(["replace", "remove", "add"]))
    if change == "add" and isinstance(holder[key], dict):
        holder[key][draw(_keys)] = draw(by)
    elif change == "remove" and holder is not whole:
        del holder[key]
    else:
        holder[key] = draw(by)
