"""The portal as gunicorn serves it in these tests, with a clock that may be wrong."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone

import freezegun
from ckan.cli import CKANConfigLoader
from ckan.config.middleware import make_app

application = make_app(CKANConfigLoader(os.environ["CKAN_INI"]).get_config())
OFFSET = float(os.environ.get("CLOCK_OFFSET_DAYS", "0"))
if OFFSET:
    wrong = datetime.now(timezone.utc) + timedelta(days=OFFSET)
    freezegun.freeze_time(wrong, tick=True).start()
