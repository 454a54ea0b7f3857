"""What the audits of all engines share."""

from __future__ import annotations

from guestagent.resources.audit_look import NAME_LIMIT, group_ids
from guestagent.resources.store.tables import looks
from guestagent.resources.views import AuditFinding, FindingKind


def build_finding(finding_id: str, cluster: str) -> AuditFinding:
    return AuditFinding(
        id=finding_id, kind=FindingKind.ORPHAN, resource="stack", cloud_id=finding_id, cluster=cluster
    )


def test_the_looks_at_a_cluster_fit_into_a_store_whatever_its_name() -> None:
    long_name = "copy-of-a-stack" * 17
    findings = [build_finding("a", "shop"), build_finding("b", long_name), build_finding("c", long_name)]

    ids = group_ids(findings)

    assert sorted(ids.values()) == [["a"], ["b", "c"]]
    assert f"VARCHAR({NAME_LIMIT})" == str(looks.c.cluster.type)
    assert max(map(len, ids)) <= NAME_LIMIT
    assert ids.keys() == group_ids(findings[:2]).keys()
