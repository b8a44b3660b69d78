"""Where machine code is kept: in a folder of the user, which nobody else may write to.

Loading machine code is running it. So a folder or a file counts only if this user, or the administrator, owns it, and
neither a group nor anybody else may write to it. What the administrator has put into an image, say, can be read.
"""

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

import numba

_README = """\
Machine code that skregopt has compiled, so that later processes need not compile it again.

It can be deleted at any time. The environment variable NUMBA_CACHE_DIR names another place for it.
"""
# https://bford.info/cachedir: programs that copy or search folders leave out those that have this file
_CACHEDIR_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache, see README.txt.\n"


def cache_folder(name):
    """Return the folder for machine code, and make it if it is not there.

    Parameters
    ----------
    name : str
        Name of the folder. It lies in the folder ``skregopt`` of NUMBA_CACHE_DIR, or else of the user's folder for
        caches.

    Returns
    -------
    pathlib.Path or None
        None if there is no such place, or none that is safe.
    """
    try:
        chosen = numba.config.CACHE_DIR
        parent = Path(chosen) if chosen else _user_folder()
        if parent is None:
            return None
        folder = parent / "skregopt" / name
        if not folder.is_dir():
            # who becomes another user, by sudo say, may still have the home folder of the first: leave nothing there
            if not chosen and not _is_owned(_existing(parent).stat()):
                return None
            _make(folder)
        return folder if is_safe(folder.parent.stat()) and is_safe(folder.stat()) else None
    except OSError:
        return None


def is_safe(status):
    """Return whether only this user and the administrator can write to what a ``stat_result`` belongs to."""
    if sys.platform == "win32":
        return True  # the mode says nothing about access, and the user's folder for caches is the user's alone
    return _is_owned(status) and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _is_owned(status):
    return sys.platform == "win32" or status.st_uid in (0, os.geteuid())


def _user_folder():
    """Return the folder for what programs can make again, by the convention of the system, or None."""
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local) if local else None
    if sys.platform != "darwin" and os.path.isabs(chosen := os.environ.get("XDG_CACHE_HOME", "")):
        return Path(chosen)
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if not home.is_dir():  # a user for services has a home folder by name only
        return None
    return home / "Library" / "Caches" if sys.platform == "darwin" else home / ".cache"


def _existing(path):
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _make(folder):
    """Make a folder and those above it, for their owner only, and say in skregopt's what it is."""
    missing = [path for path in (folder, *folder.parents) if not path.is_dir()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)  # another process may be faster
    if folder.parent in missing:
        with suppress(OSError):  # a full disk: it is a cache nevertheless
            (folder.parent / "CACHEDIR.TAG").write_text(_CACHEDIR_TAG, encoding="utf-8")
            (folder.parent / "README.txt").write_text(_README, encoding="utf-8")
