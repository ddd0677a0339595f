"""A small file system that a test can fill and then widen: tmpfs, as root or in a user namespace of its own."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest


def enter_namespace_if_needed():
    """Not root: starts this program again in a user and mount namespace where it may mount.  Call it first thing in main."""
    if os.geteuid() == 0 or os.environ.get("SLUICE_TEST_NAMESPACE"):
        return
    unshare = shutil.which("unshare")
    if unshare and subprocess.run([unshare, "--user", "--map-root-user", "--mount", "true"], capture_output=True, check=False).returncode == 0:
        os.environ["SLUICE_TEST_NAMESPACE"] = "1"
        os.execv(unshare, [unshare, "--user", "--map-root-user", "--mount", sys.executable, *sys.argv])


class SmallDisk:
    """`path` is a tmpfs of `size` bytes; widen() gives it room, fill() takes what is left."""

    def __init__(self, size):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="sluice-disk-"))
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "sluice-test", str(self.path)], capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            self.path.rmdir()
            raise unittest.SkipTest(f"cannot mount a small file system: {done.stderr.strip()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", str(self.path)], capture_output=True, check=False)
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def widen(self, size):
        subprocess.run(["mount", "-o", f"remount,size={size}", str(self.path)], check=True, capture_output=True)

    def free(self):
        usage = os.statvfs(self.path)
        return usage.f_bavail * usage.f_frsize

    def fill(self):
        """Takes every free byte with one file; returns it, to be deleted for room."""
        filler = self.path / "filler"
        with open(filler, "wb", buffering=0) as out:
            with contextlib.suppress(OSError):
                while True:
                    out.write(b"\0" * 4096)
        return filler
