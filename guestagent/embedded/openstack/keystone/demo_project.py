"""The names of the cloud's one user, its project and its region."""

from __future__ import annotations

USER_NAME, PROJECT_NAME, REGION_NAME = "demo", "demo", "RegionOne"
