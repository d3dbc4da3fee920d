"""Stand-ins for Xero and Karbon, spoken to over real HTTP.

The sandbox is a second program: it imports nothing of the product, and the product reaches it only through the
services' own addresses. `sandbox.server.start()` runs one in this process; `manage.py sandbox` runs one by itself.
"""
