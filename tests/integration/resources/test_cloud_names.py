"""Names of images and flavors lead to what has them at that moment, on the embedded cloud."""

from __future__ import annotations

from types import SimpleNamespace

import openstack
import pytest

from guestagent.embedded import serving
from guestagent.embedded.openstack.glance import api
from guestagent.embedded.openstack.glance.images import IMAGES
from guestagent.errors import CloudRequestRefused
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


def test_a_name_that_several_images_have_is_invalid_and_one_that_none_has_is_not_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twin = SimpleNamespace(id="5d0c1a7e-93b4-4f26-8e11-0a6b7c2d9f38", name=IMAGES[0].name)
    monkeypatch.setattr(api, "IMAGES", (SimpleNamespace(id=IMAGES[0].id, name=twin.name), twin))
    refusals = []
    with serving() as served, openstack.connect(**served.connect) as connection:
        project = OpenStackProject(connection)
        for name in (twin.name, "none"):
            with pytest.raises(CloudRequestRefused) as caught:
                project.find_image(name)
            refusals.append((str(caught.value.code), caught.value.message))
        id_of_one = project.find_image(twin.id)

    assert refusals == [
        ("invalid", f"2 images are called {twin.name}: give the id"),
        ("not_found", "there is no image none"),
    ]
    assert id_of_one == twin.id
