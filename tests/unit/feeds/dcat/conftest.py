"""The portal's address, for graphs made without the portal."""

import pytest
from ckan.common import config

from tests.unit.feeds.dcat import strategies


@pytest.fixture(autouse=True, scope="module")
def _site():
    """Name the site as the integration tests have it."""
    before = dict(config)
    config.update({"ckan.site_url": strategies.SITE, "ckan.site_title": "黑龙江公共数据开放平台"})
    yield
    config.clear()
    config.update(before)
