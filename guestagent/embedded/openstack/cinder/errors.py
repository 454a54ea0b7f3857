"""The errors of Cinder. Its clients tell them apart by their status alone."""

from __future__ import annotations

from guestagent.embedded.http.errors import ApiError


class VolumeNotFound(ApiError):
    """No such volume, volume type or attachment."""

    status = 404


class VolumeRefused(ApiError):
    """A request that makes no sense, or does not fit the volume's state."""


class OverLimit(ApiError):
    """A request above the project's quota. Cinder answers with Retry-After: 0."""

    status = 413


class BodyTooLong(ApiError):
    """A request whose body is longer than any that a client has a use for."""

    status = 413


class AttachmentInUse(ApiError):
    """An attachment that belongs to a server is ended by Nova alone."""

    status = 409


class UnknownVersion(ApiError):
    """A microversion that this Cinder does not have."""

    status = 406
