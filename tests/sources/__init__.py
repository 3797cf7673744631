"""Loopback sources in the shapes of real city portals; tests of harvesters and engine use them."""
