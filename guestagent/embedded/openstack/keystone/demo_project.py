"""The one user of the cloud, its project and the region."""

from __future__ import annotations

USER_NAME, PROJECT_NAME, REGION_NAME = "demo", "demo", "RegionOne"
