"""The settings while somebody edits them."""

from __future__ import annotations

import logging
from pathlib import Path

from alerts.settings import FILE, Settings, SettingsError, read_settings

_log = logging.getLogger(__name__)


class Watched:
    """The settings, read anew where the file changed. A file that cannot be read leaves the last good ones in force."""

    def __init__(self, home: Path) -> None:
        self._home, self._mark, self._held = home, (-1, -1), Settings(home / FILE)
        self._read = False

    def now(self) -> Settings:
        """Raises SettingsError where there never were good ones."""
        mark = self._mark_now()
        if mark != self._mark:
            try:
                self._held, self._read = read_settings(self._home), True
            except SettingsError as error:
                if not self._read:
                    raise
                _log.error("the settings before stay in force: %s", error)
            self._mark = mark
        return self._held

    def _mark_now(self) -> tuple[int, int]:
        try:
            stat = (self._home / FILE).stat()
        except OSError:
            return 0, 0
        return stat.st_mtime_ns, stat.st_size
