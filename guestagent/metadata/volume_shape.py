"""The shape of a data volume, in a node's document and in its server's metadata. Pure."""

from __future__ import annotations

from guestagent.metadata.document import DEFAULT_FILE_SYSTEM, DataVolume
from guestagent.metadata.limits import VOLUME_SIZE_LIMIT_GIB
from guestagent.metadata.regex_fragments import END
from guestagent.metadata.schema_types import (
    Boolean,
    Choice,
    Integer,
    Key,
    MappingShape,
    Text,
    ValueOrFunction,
)

VOLUME_ID = Text(
    36,
    pattern=rf"^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}{END}",
    description="a volume's id (a UUID in lower case)",
)
FILE_SYSTEMS = ("xfs", "ext4")
VOLUME = MappingShape(
    DataVolume,
    {
        "Id": Key("id", ValueOrFunction(VOLUME_ID), "the volume's id in Cinder", required=True),
        "SizeGiB": Key("size_gib", Integer(1, VOLUME_SIZE_LIMIT_GIB), "its size in GiB", required=True),
        "FileSystem": Key(
            "file_system", Choice(FILE_SYSTEMS), "its file system", default=DEFAULT_FILE_SYSTEM
        ),
        "New": Key(
            "is_new",
            Boolean(),
            "nothing is stored on it yet: it may be formatted if it is blank",
            default=False,
        ),
    },
)
