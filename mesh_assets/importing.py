"""Modules that are imported only where they are needed, because they are heavy: one thread at a time.

Python locks each module by itself. Where one thread imports a package, whose `__init__` imports its parts, and
another thread imports one of these parts, whose first step is the package, it would rather hand out a half-made
module than wait for ever: the first two calls to a fresh MCP server both failed with an ImportError or a
KeyError. So every import inside a function is under this lock.
"""

import threading

importing = threading.RLock()
"""`with importing:` around the imports. Reentrant, since a module may import more when it is used first."""
