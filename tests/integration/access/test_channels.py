"""Every route and every action stands in `channels.yaml`, in one class: what is new is decided
before it is published."""

from __future__ import annotations

import ckan.logic as logic

from tests.integration.access import channels


def test_every_route_is_listed_in_one_class(app):
    """A plugin that brings a route fails here until someone has thought about it."""
    real = {rule.endpoint for rule in app.flask_app.url_map.iter_rules()}
    found = channels.problems("routes", real)
    assert not found, "\n".join(found)


def test_every_action_is_listed_in_one_class():
    """The same for the API."""
    logic.get_action("package_show")  # fills the registry
    found = channels.problems("actions", set(logic._actions))
    assert not found, "\n".join(found)


def test_what_is_not_asked_has_a_reason():
    """And nothing of the API is left out."""
    assert all(channels._LISTED["routes"]["unasked"].values())
    assert "unasked" not in channels.ACTIONS.values()
