"""What all tests share: a slow machine is no failure of a property test."""

from hypothesis import settings

settings.register_profile("portal", deadline=None)
settings.load_profile("portal")
