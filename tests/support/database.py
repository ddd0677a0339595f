"""SQL against one database through psql: rows come back whole, with line feeds and nulls, and a server that restarts is waited for."""

import os
import subprocess

from support.testing import wait_for

ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
ENVIRONMENT = {**os.environ, "PGTZ": "UTC", "PGDATESTYLE": "ISO", "PGCLIENTENCODING": "UTF8", "PGCONNECT_TIMEOUT": "10"}
GONE = ("could not connect", "connection to server", "server closed the connection", "terminating connection", "the database system is")


class Unreachable(AssertionError):
    """The server does not answer, or broke the connection off."""


class Database:
    def __init__(self, url):
        self.url = url

    def run(self, text):
        """Statements whose answer nobody reads; AssertionError with the server's message."""
        self._psql(text)

    def query(self, select):
        """Rows of one select as lists of text, None for null."""
        answer = self._psql(f"copy ({select.rstrip().rstrip(';')}) to stdout;")
        return [[unescape(cell) for cell in line.split("\t")] for line in answer.split("\n")[:-1]]

    def patient(self, select, seconds=60):
        """query() that waits while the server restarts."""
        def attempt():
            try:
                return [self.query(select)]
            except Unreachable:
                return None

        return wait_for(attempt, seconds, f"an answer to {select}")[0]

    def _psql(self, text):
        done = subprocess.run(["psql", self.url, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"], input=text.encode(),
                              capture_output=True, timeout=300, env=ENVIRONMENT, check=False)
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip()
            kind = Unreachable if done.returncode == 2 or any(words in said for words in GONE) else AssertionError
            raise kind(f"psql: {said}\n{text[:500]}")
        return done.stdout.decode("utf-8")


def unescape(cell):
    """COPY's text form (documentation of COPY, "Text Format")."""
    if cell == "\\N":
        return None
    if "\\" not in cell:
        return cell
    out, at = [], 0
    while (found := cell.find("\\", at)) >= 0:
        out.append(cell[at:found])
        out.append(ESCAPES.get(cell[found + 1], cell[found + 1]))
        at = found + 2
    return "".join(out) + cell[at:]
