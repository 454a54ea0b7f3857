# The Python that the image has, which the wheels are for: sourced after the distribution's own settings. Empty if it is
# not known, or if the release's name moves from one version to the next (stable, testing): the build then stops.
if [ -z "${DIB_GUESTAGENT_PYTHON:-}" ]; then
    case "$DISTRO_NAME-${DIB_RELEASE:-}" in
        debian-bookworm) DIB_GUESTAGENT_PYTHON=3.11 ;;
        debian-trixie) DIB_GUESTAGENT_PYTHON=3.13 ;;
        ubuntu-jammy) DIB_GUESTAGENT_PYTHON=3.10 ;;
        ubuntu-noble) DIB_GUESTAGENT_PYTHON=3.12 ;;
        fedora-41 | fedora-42) DIB_GUESTAGENT_PYTHON=3.13 ;;
        centos-9-stream | rocky-9 | almalinux-9 | rhel-9) DIB_GUESTAGENT_PYTHON=3.11 ;;
        centos-10-stream | rocky-10 | almalinux-10 | rhel-10) DIB_GUESTAGENT_PYTHON=3.12 ;;
        opensuse-15.5 | opensuse-15.6) DIB_GUESTAGENT_PYTHON=3.11 ;;
    esac
fi
export DIB_GUESTAGENT_PYTHON=${DIB_GUESTAGENT_PYTHON:-}
