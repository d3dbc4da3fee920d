"""Run the stand-ins for Xero and Karbon in the foreground."""

import gc
import signal
import threading
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sandbox.server import start


class Command(BaseCommand):
    help = "Run the sandbox: stand-ins for Xero and Karbon over HTTP, on this machine only."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=9500)
        parser.add_argument("--world", default="demo", help="demo, empty, or a number of contacts a side")
        parser.add_argument("--store", help="file that keeps the state across restarts; if it exists it is loaded")

    def handle(self, *args: Any, **options: Any) -> None:
        world = options["world"]
        stopped = threading.Event()

        def stop(number: int, frame: FrameType | None) -> None:
            stopped.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        try:
            sandbox = start(int(world) if world.isdecimal() else world, options["port"], options["store"])
        except OSError as problem:
            raise CommandError(f"Port {options['port']} cannot be used: {problem.strerror}.") from problem
        except ValueError as problem:
            raise CommandError(f"The world {world} cannot be built: {str(problem).rstrip('.')}.") from problem
        gc.freeze()  # a world of 100,000 contacts stays: collecting it again and again only costs time
        self.stdout.write(f"Sandbox running at {sandbox.url}/sandbox/ (stop with Ctrl-C)")
        self.stdout.flush()
        stopped.wait()
        sandbox.stop()
        self.stdout.write("Sandbox stopped.")
