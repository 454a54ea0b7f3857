"""Names of images and flavors lead to what has them at that moment, on the embedded cloud."""

from __future__ import annotations

from types import SimpleNamespace

import openstack
import pytest

from guestagent.embedded import serving
from guestagent.embedded.openstack.glance import api
from guestagent.embedded.openstack.glance.images import IMAGES
from guestagent.resources.natives.openstack_project import OpenStackProject


def test_a_name_leads_to_the_image_that_has_it_now(monkeypatch: pytest.MonkeyPatch) -> None:
    old = IMAGES[0]
    new = SimpleNamespace(id="5d0c1a7e-93b4-4f26-8e11-0a6b7c2d9f38", name=old.name)
    with serving() as served, openstack.connect(**served.connect) as connection:
        project = OpenStackProject(connection)
        id_before = project.find_image(old.name)
        monkeypatch.setattr(api, "IMAGES", (SimpleNamespace(id=old.id, name="retired"), new))

        id_after = project.find_image(old.name)

    assert (id_before, id_after) == (old.id, new.id)
