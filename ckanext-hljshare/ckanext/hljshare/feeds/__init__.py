"""What machines read: DCAT, the national catalog list, sitemaps, the description of the API."""
