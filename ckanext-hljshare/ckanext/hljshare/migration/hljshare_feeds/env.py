"""Runs this plugin's migrations."""

from ckanext.hljshare.migration.environment import run

run(__file__)
