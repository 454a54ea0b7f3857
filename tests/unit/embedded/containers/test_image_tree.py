"""What a tree must have to boot as an image."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from guestagent.embedded.containers import open_image_tree
from guestagent.errors import CloudError, InvalidInput
from tests.support.image_trees import IMAGE_PROGRAMS, make_tree


@pytest.mark.parametrize(
    ("server", "family"), [("usr/sbin/mariadbd", "mariadb"), ("usr/sbin/mysqld", "mysql")]
)
def test_the_server_of_a_tree_is_known_by_its_program(tmp_path: Path, server: str, family: str) -> None:
    tree = open_image_tree(make_tree(tmp_path, *IMAGE_PROGRAMS, server))

    assert tree.family == family


def test_mariadbs_link_for_mysql_does_not_make_it_mysql(tmp_path: Path) -> None:
    make_tree(tmp_path, *IMAGE_PROGRAMS, "usr/sbin/mariadbd")
    (tmp_path / "usr/sbin/mysqld").symlink_to("mariadbd")

    assert open_image_tree(tmp_path).family == "mariadb"


def test_everything_that_is_missing_is_named_at_once(tmp_path: Path) -> None:
    make_tree(tmp_path, "lib/systemd/systemd")

    with pytest.raises(InvalidInput, match="without cloud-init, guestagent, a database server"):
        open_image_tree(tmp_path)


def test_a_folder_that_does_not_exist_is_no_tree(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="found no folder"):
        open_image_tree(tmp_path / "none")


def test_an_absolute_link_is_looked_for_in_the_tree(tmp_path: Path) -> None:
    make_tree(tmp_path, *IMAGE_PROGRAMS[:2], "usr/sbin/mysqld")
    (tmp_path / "opt/guestagent/bin").mkdir(parents=True)
    (tmp_path / IMAGE_PROGRAMS[2]).symlink_to("/opt/elsewhere/guestagent")

    assert open_image_tree(tmp_path).family == "mysql"


def test_an_image_of_another_server_is_rejected(tmp_path: Path) -> None:
    tree = open_image_tree(make_tree(tmp_path, *IMAGE_PROGRAMS, "usr/sbin/mariadbd"))

    tree.check_image("guestagent-mariadb-11.8")
    with pytest.raises(CloudError, match=r"guestagent-mysql: this cloud boots .* which has mariadb"):
        tree.check_image("guestagent-mysql")


def make_accounts(tree: Path) -> None:
    (tree / "etc").mkdir()
    (tree / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nmysql:x:101:102::/nonexistent:/bin/false\n")
    (tree / "var/lib/mysql").mkdir(parents=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize(
    ("owner", "data_owner", "found"),
    [
        (1000, 1000, "whose files belong to user 1000, not to root"),
        (0, 0, "whose /var/lib/mysql belongs to user 0, not to mysql"),
        (0, 101, None),
    ],
)
def test_a_copy_that_has_lost_its_owners_is_rejected(
    tmp_path: Path, owner: int, data_owner: int, found: str | None
) -> None:
    make_accounts(make_tree(tmp_path, *IMAGE_PROGRAMS, "usr/sbin/mysqld"))
    os.chown(tmp_path / "etc/passwd", owner, owner)
    os.chown(tmp_path / "var/lib/mysql", data_owner, data_owner)

    if found is None:
        assert open_image_tree(tmp_path).family == "mysql"
    else:
        with pytest.raises(InvalidInput, match=found):
            open_image_tree(tmp_path)
