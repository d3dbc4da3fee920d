"""Loaded before the settings are: tests run in the sandbox's world, whatever the shell says."""

import os

os.environ["SANDBOX_URL"] = "http://127.0.0.1:9500"
for name in ("DATABASE_URL", "SITE_URL", "DEBUG"):
    os.environ.pop(name, None)
