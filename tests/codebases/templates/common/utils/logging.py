"""Output that goes to the screen and to a file."""

import os
import sys


class Logger:
    """Stands in for stdout; closing it closes the screen's stream, too, even when it is only collected."""

    def __init__(self, fpath=None):
        self.console = sys.stdout
        self.file = None
        if fpath is not None:
            os.makedirs(os.path.dirname(fpath), exist_ok=True)
            self.file = open(fpath, "w")  # noqa: SIM115

    def __del__(self):
        self.close()

    def _streams(self):
        return [self.console] if self.file is None else [self.console, self.file]

    def write(self, msg):
        """Write to both."""
        for stream in self._streams():
            stream.write(msg)

    def flush(self):
        """Flush both."""
        for stream in self._streams():
            stream.flush()

    def close(self):
        """Close both."""
        for stream in self._streams():
            stream.close()
