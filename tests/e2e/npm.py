"""Packages from the npm registry that tests check our files with."""

import os
import subprocess
import unittest

import evtest

FOLDER = os.path.join(evtest.BUILD, "npm")


def need(*packages):
    """The environment for node to find these ("name@version", or
    "other_name@npm:name@version" for several versions side by side); they are
    installed once, below the build folder. Skips where they cannot be had."""
    # A folder for each set: an install removes packages from a folder that it was not
    # asked for.
    folder = os.path.join(FOLDER, "+".join(packages).replace("/", "_").replace(":", "_"))
    stamp = os.path.join(folder, "there")
    os.makedirs(folder, exist_ok=True)
    if not os.path.exists(stamp):
        try:
            done = subprocess.run(["npm", "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts",
                                   "--prefix", folder, *packages], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=120, check=False)
        except (OSError, subprocess.TimeoutExpired) as why:
            raise unittest.SkipTest("npm cannot install %s: %s" % (" ".join(packages), why)) from why
        if done.returncode != 0:
            raise unittest.SkipTest("npm cannot install %s" % " ".join(packages))
        with open(stamp, "w", encoding="ascii"):
            pass
    return dict(os.environ, NODE_PATH=os.path.join(folder, "node_modules"))
