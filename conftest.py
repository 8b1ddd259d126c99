"""What all tests share: hypothesis does not time its examples, since a test machine may be busy."""

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
