"""The shell of a build: a tree with diskimage-builder, and the agent laid over a copy of it."""

from __future__ import annotations

# $0 is the folder of the draft; the words are the elements. The archive is diskimage-builder's only form of a tree.
BUILD_SCRIPT = """\
set -eu
cd "$0"
mkdir tmp tree
export TMP_DIR=$0/tmp HOME=$0/tmp
disk-image-create -o "$0/image" -t tar "$@"
tar --extract --file image.tar --directory tree --numeric-owner --preserve-permissions --xattrs --xattrs-include='*'
rm -rf image.tar image.d tmp
"""

# $0 is the folder of the draft, $1 the tree without the agent, $2 the element that installs it, $3 its release.
# The element's own scripts run, as diskimage-builder runs them: outside of the root, then inside.
LAYER_SCRIPT = """\
set -euo pipefail
draft=$0 tree=$1 element=$2 release=$3
cd "$draft"
mkdir hooks upper work root
export TMP_HOOKS_PATH=$draft/hooks TARGET_ROOT=$draft/root HOME=$draft/hooks
export DISTRO_NAME=debian DIB_RELEASE=$release DIB_PYTHON_VERSION=3 DIB_DEBUG_TRACE=0
export ARCH=$(dpkg --print-architecture)
for settings in "$element"/environment.d/*.bash; do . "$settings"; done
get_image_element_array() { echo "[guestagent]=$element"; }
export -f get_image_element_array
export element
echo "dib-run-parts Running $element/extra-data.d/50-guestagent"
bash "$element/extra-data.d/50-guestagent"
mount -t overlay overlay -o "lowerdir=$tree,upperdir=upper,workdir=work,redirect_dir=off,metacopy=off" root
# diskimage-builder leaves mount points out of the archive.
mkdir -p root/proc root/dev root/tmp root/sys
mount -t proc proc root/proc
mount --bind /dev root/dev
mount -t tmpfs -o mode=1777 tmpfs root/tmp
mkdir root/tmp/in_target.d
mount --bind hooks root/tmp/in_target.d
cp "$element/install.d/50-guestagent" hooks/
echo "dib-run-parts Running $element/install.d/50-guestagent"
env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8 \\
    DISTRO_NAME=$DISTRO_NAME DIB_RELEASE=$DIB_RELEASE DIB_PYTHON_VERSION=3 DIB_DEBUG_TRACE=0 ARCH=$ARCH \\
    DIB_GUESTAGENT_PYTHON=$DIB_GUESTAGENT_PYTHON \\
    chroot root /bin/bash /tmp/in_target.d/50-guestagent
umount root/tmp/in_target.d root/tmp root/dev root/proc root
cp --archive --link "$tree" tree
"""
