export DISTRO_NAME=${DISTRO_NAME:-rocky}
export DIB_RELEASE=${DIB_RELEASE:-9}
export DIB_INIT_SYSTEM=systemd
export YUM=dnf
