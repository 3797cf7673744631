"""Database migrations, a folder for each plugin: CKAN looks for them here, not in the rooms."""
