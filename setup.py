"""Packaging of ckanext-hljshare; tool settings are in pyproject.toml."""

from setuptools import find_namespace_packages, setup

ROOM = "ckanext.hljshare"

setup(
    name="ckanext-hljshare",
    version="0.1.0",
    description="Heilongjiang's standard for sharing and opening government data, on CKAN",
    license="AGPL-3.0-or-later",
    python_requires=">=3.10",
    package_dir={"": "ckanext-hljshare", "harvesters": "harvesters"},
    packages=[
        *find_namespace_packages("ckanext-hljshare", include=["ckanext.hljshare*"]),
        "harvesters",
    ],
    include_package_data=True,
    package_data={
        "": [
            *("*.yaml", "*.yml", "*.json", "*.ini", "*.html", "*.css", "*.js", "*.po", "*.svg"),
            *("*.txt", "*.mjs", "*.sh", "*.R"),  # robots.txt; examples of the API
        ]
    },
    install_requires=[
        "ckan==2.12.*",
        "ckanext-scheming>=3.1",
        "ckanext-harvest>=1.6.3",
        "ckanext-dcat>=2.4.4",
        "cryptography>=42",
        "flask-swagger-ui>=5.34",
        "icalendar>=6",
        "lxml>=5",
        "openpyxl>=3.1",
        "PyYAML>=6",
        "XlsxWriter>=3.2",
        "rdflib>=7",
    ],
    entry_points={
        "ckan.plugins": [
            f"hljshare_catalog = {ROOM}.catalog.plugin:CatalogPlugin",
            f"hljshare_datasets = {ROOM}.catalog.dataset_form:DatasetFormPlugin",
            f"hljshare_access = {ROOM}.access.plugin:AccessPlugin",
            f"hljshare_ingest = {ROOM}.ingest.plugin:IngestPlugin",
            f"hljshare_deadlines = {ROOM}.deadlines.plugin:DeadlinesPlugin",
            f"hljshare_push = {ROOM}.push.plugin:PushPlugin",
            f"hljshare_requests = {ROOM}.requests.plugin:RequestsPlugin",
            f"hljshare_feeds = {ROOM}.feeds.plugin:FeedsPlugin",
            f"hljshare_theme = {ROOM}.theme.plugin:ThemePlugin",
            "hljshare_catalog_sheet = harvesters.catalog_sheet:CatalogSheetHarvester",
            "hljshare_ckan_portal = harvesters.ckan_portal:CkanPortalHarvester",
            "hljshare_dcat_feed = harvesters.dcat_feed:DcatFeedHarvester",
            "hljshare_json_api = harvesters.json_api:JsonApiHarvester",
            "hljshare_odweb = harvesters.odweb:OdwebHarvester",
            "hljshare_oportal = harvesters.oportal:OportalHarvester",
            "hljshare_xml_feed = harvesters.xml_feed:XmlFeedHarvester",
        ],
        "ckan.rdf.profiles": [
            f"hljshare_dcat_ap_3 = {ROOM}.feeds.dcat.profile:HljshareDCATAP3Profile",
        ],
    },
)
