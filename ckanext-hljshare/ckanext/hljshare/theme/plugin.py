"""The face of the portal: templates, assets, home page, the pages about the portal."""

from __future__ import annotations

from pathlib import Path

import ckan.plugins as p
import ckan.plugins.toolkit as tk


@tk.blanket.helpers
@tk.blanket.blueprints
class ThemePlugin(p.SingletonPlugin):
    """Wiring only; what the pages show is made in `helpers.py` and `home.py`."""

    p.implements(p.IConfigurer)
    p.implements(p.ITranslation)

    def update_config(self, config: tk.CKANConfig) -> None:
        """Register templates, public files and assets."""
        tk.add_template_directory(config, "templates")
        tk.add_public_directory(config, "public")
        tk.add_resource("assets", "hljshare_theme")

    def i18n_directory(self) -> str:
        """The catalogs of the whole extension, which lie over CKAN's."""
        return str(Path(__file__).resolve().parents[1] / "i18n")

    def i18n_locales(self) -> list[str]:
        """The languages of the catalogs."""
        return ["zh_Hans_CN", "en"]

    def i18n_domain(self) -> str:
        """The name of the catalog files: one for all our plugins."""
        return "ckanext-hljshare"
