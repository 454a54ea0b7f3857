"""The parts with which Heat surrounds the user data of every server, with the effect of Heat 19's. Pure.

cloud-init reads them in an image. They run in the guest, so each has only what it needs, and Heat's faults stay: the
metadata can be read by every user, and without pkg_resources and distutils `cfn-userdata` does not run.
"""

from __future__ import annotations

from urllib.parse import urlsplit

CFN_INIT_SUBTYPE = "x-cfninitdata"
INSTANCE_USER = "ec2-user"  # of AWS::EC2::Instance

MimePart = tuple[str, str, str]  # content, subtype, file name

OUTPUT_CONFIG = """\
# What the stages of cloud-init print goes to the console and to a log.
output: {all: '| tee -a /var/log/cloud-init-output.log'}
"""
BOOTHOOK = """\
#!/bin/bash
%(add_user)s
# An image with heat-cfntools from a package may lack the links in /opt/aws/bin.
cfn-create-aws-symlinks
# Neither missing tools nor an existing user stop the boot.
exit 0
"""
ADD_USER = """\
useradd -m %(user)s
echo -e '%(user)s\\tALL=(ALL)\\tNOPASSWD: ALL' >> /etc/sudoers
"""
PART_HANDLER = """\
# part-handler
# Writes each part of the type text/x-cfninitdata to a file of the part's name, where heat-cfntools looks for it.

import datetime
import os

FOLDERS = ('/var/lib/heat-cfntools', '/var/lib/cloud/data')
LOG = '/var/log/part-handler.log'


def list_types():
    return ['text/x-cfninitdata']


def handle_part(data, ctype, filename, payload):
    if ctype == '__begin__':
        if not os.path.isdir(FOLDERS[0]):
            os.makedirs(FOLDERS[0], 0o700)
    elif ctype != '__end__':
        with open(LOG, 'a') as log:
            log.write('%s filename:%s, ctype:%s\\n' % (datetime.datetime.now(), filename, ctype))
        for folder in FOLDERS:
            with open('%s/%s' % (folder, filename), 'w') as file:
                file.write(payload)
"""
LOG_USER_DATA = """\
#!/bin/bash
# Runs the user's script, and logs what it prints to /var/log/heat-provision.log.
# As with Heat 19, without pkg_resources in python3 or python2 the interpreter is `python`.
interpreter=python
if echo 'import pkg_resources' | python3 2> /dev/null; then
    interpreter=python3
fi
exec $interpreter -c '
import datetime
import distutils.version
import errno
import logging
import os
import subprocess
import sys

import pkg_resources

FOLDER = "/var/lib/heat-cfntools"
LOG_FILE = "/var/log/heat-provision.log"
log = logging.getLogger("heat-provision")


def open_log():
    log.setLevel(logging.INFO)
    log.addHandler(logging.StreamHandler())
    handler = logging.FileHandler(LOG_FILE)
    os.chmod(LOG_FILE, 0o600)
    log.addHandler(handler)


def run_script(path):
    log.info("%s\\n", path)
    try:
        process = subprocess.Popen([path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for output in process.communicate():
            log.info(output)
    except OSError as error:
        if error.errno == errno.ENOEXEC:
            log.error("the user data are empty or not executable: %s", error)
            return 0
        log.error("the user data did not start: %s", error)
        return os.EX_OSERR
    return process.returncode


def provision():
    path = os.path.join(FOLDER, "cfn-userdata")
    os.chmod(path, 0o700)
    log.info("Provision began: %s", datetime.datetime.now())
    code = run_script(path)
    log.info("Provision done: %s", datetime.datetime.now())
    if code:
        log.error("Provision failed with exit code %s", code)
        sys.exit(code)
    with open(os.path.join(FOLDER, "provision-finished"), "a") as mark:
        os.utime(mark.name, None)


open_log()
provision()
'
"""

# Bytes of the same parts of Heat 19: they count against Nova's limit.
HEAT_LENGTHS = {"cloud-config": 153, "boothook.sh": 534, "part-handler.py": 1530, "loguserdata.py": 4198}


def measure_as_heat(user_data: bytes) -> int:
    """Return how long user data of these parts would be if a real Heat had built them."""
    own_parts = (*build_leading_parts(), build_log_part())
    missing = (
        HEAT_LENGTHS[name] - len(content)
        for content, _, name in own_parts
        if f'filename="{name}"'.encode() in user_data
    )
    return len(user_data) + sum(missing)


def build_leading_parts(user: str = "") -> tuple[MimePart, ...]:
    """Build the parts before the user's own. `user` is an account that they create in the guest."""
    user_config = f"user: {user}\n" if user else ""
    add_user = ADD_USER % {"user": user} if user else ""
    return (
        (user_config + OUTPUT_CONFIG, "cloud-config", "cloud-config"),
        (BOOTHOOK % {"add_user": add_user}, "cloud-boothook", "boothook.sh"),
        (PART_HANDLER, "part-handler", "part-handler.py"),
    )


def build_log_part() -> MimePart:
    """Build the part that executes `cfn-userdata`."""
    return LOG_USER_DATA, "x-shellscript", "loguserdata.py"


def build_server_parts(metadata_url: str) -> tuple[MimePart, ...]:
    """Build the parts from which heat-cfntools knows the CFN API."""
    boto_config = (
        "[Boto]\ndebug = 0\nis_secure = 0\nhttps_validate_certificates = 1\ncfn_region_name = heat\n"
        f"cfn_region_endpoint = {urlsplit(metadata_url).hostname}"
    )
    return (
        (metadata_url, CFN_INIT_SUBTYPE, "cfn-metadata-server"),
        (boto_config, CFN_INIT_SUBTYPE, "cfn-boto-cfg"),
    )
