"""How the portal is served: two processes with a few threads each, behind nginx in production."""

import os

bind = os.environ["PORTAL_BIND"]
workers = int(os.environ.get("PORTAL_WORKERS", "2"))
threads = int(os.environ.get("PORTAL_THREADS", "4"))
preload_app = False
timeout = 120
graceful_timeout = 30
max_requests = 5000
max_requests_jitter = 500
forwarded_allow_ips = os.environ.get("PORTAL_PROXIES", "127.0.0.1")
