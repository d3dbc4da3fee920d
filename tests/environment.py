"""Loaded before the settings are: tests run in the sandbox's world, whatever the shell says.

``TEST_DATABASE_URL`` is the one thing they take from it: the suite then runs on that PostgreSQL instead of SQLite.
"""

import os

os.environ["SANDBOX_URL"] = "http://127.0.0.1:9500"
for name in ("DATABASE_URL", "SITE_URL", "DEBUG"):
    os.environ.pop(name, None)
if database := os.environ.get("TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = database
